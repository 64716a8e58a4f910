/**
 * Tells people, in every channel, what there is to tell: each step is in the ledger before the call that it is about, and
 * what came of it after. What a crash leaves open is found there, and settled (outbox.ts has the rules).
 */
import type { Documents } from "../../core/store/ports.ts";
import { messageOf as textOf } from "../../core/errors.ts";
import type { FindOutcome, MessageRef, Notifier, SendOutcome } from "./notifier.ts";
import type { Notice } from "./notice.ts";
import { type Action, type Entry, isPending, messageOf, nextDue } from "./outbox.ts";
import { bounded } from "./outbox_codec.ts";
import { KEEP_MS, takeIn } from "./outbox_intake.ts";
import { type ChannelStatus, Pacing } from "./outbox_lane.ts";
import { OutboxLedger, type Transaction } from "./outbox_ledger.ts";
import {
  begun,
  begunUpdate,
  looked,
  lookedLate,
  othersOf,
  REPEAT_NOTE,
  repeated,
  sent,
  slim,
  TAKEOVER_MS,
  updated,
} from "./outbox_steps.ts";

export interface OutboxOptions {
  readonly documents: Documents;
  /** Name of the collection that the entries are kept in. */
  readonly collection: string;
  readonly notifiers: readonly Notifier[];
  /** Names of the notifiers that are told of a notice. */
  readonly routes: (notice: Notice) => readonly string[];
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** What the operator should know, in a line; a state that lasts is told once. */
  readonly onNotice: (text: string) => void;
  /** Matters that may wait in a channel; more are not taken. */
  readonly pendingMax?: number;
}

const PENDING_MAX = 2_000;
const PUT_MAX = 100;
/** How often it is tried to take a message back: over some hours. */
const REMOVALS_MAX = 30;
const CALLS_A_ROUND_MAX = 50;
/** How often the ledger is looked at for what others changed. */
const REFRESH_MS = 5_000;
/** A matter that nobody said was resolved. */
const KEEP_OPEN_MS = 30 * 86_400_000;
const CLEAN_MS = 600_000;

interface Lane {
  readonly notifier: Notifier;
  readonly pacing: Pacing;
  work: Promise<void> | null;
  /** An outcome that the store has not taken yet: nothing else is done in the channel before. */
  unsaved: ((transaction: Transaction) => void) | null;
}

export class Outbox {
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #ledger: OutboxLedger;
  readonly #abort = new AbortController();
  readonly #pendingMax: number;
  readonly #strangers = new Set<string>();
  #refreshedMs = -Infinity;
  #cleanedMs = -Infinity;
  #isStopping = false;
  #isFull = false;
  #isStoreDown = false;

  constructor(private readonly options: OutboxOptions) {
    this.#ledger = new OutboxLedger(options.documents, options.collection, options.onNotice);
    this.#pendingMax = options.pendingMax ?? PENDING_MAX;
    this.#lanes = new Map(options.notifiers.map((notifier) => [notifier.name, {
      notifier,
      pacing: new Pacing(notifier.name, notifier.intervalMs),
      work: null,
      unsaved: null,
    }]));
  }

  /**
   * Takes what is to be told, once it is in the ledger. The same notice again changes nothing; another with its id takes
   * its place. Throws where the store does; then give them again.
   * @param skipUntold Matters that were resolved before anybody was told of them are forgotten, not told.
   * @returns The ids of those that were not taken, since too much waits: give them again later.
   */
  async put(notices: readonly Notice[], { skipUntold = false } = {}): Promise<readonly string[]> {
    if (notices.length === 0) return [];
    await this.#refresh();
    let waiting = new Map([...this.#lanes.keys()].map((channel) => [channel, this.#pendingOf(channel)]));
    const ways = new Map([...this.#lanes].map(([channel, { notifier }]) => [channel, notifier]));
    const refused: string[] = [];
    for (let i = 0; i < notices.length; i += PUT_MAX) {
      const some = notices.slice(i, i + PUT_MAX).map(bounded);
      const before = waiting;
      const put = await this.#ledger.change((transaction) => {
        const counted = new Map(before);
        const intake = { transaction, ways, nonce: this.#nonce, nowMs: this.options.now(), skipUntold };
        const left = some.filter((notice) => {
          return !takeIn(notice, new Set(this.options.routes(notice)), intake, counted, this.#pendingMax);
        });
        return { counted, left: left.map(({ id }) => id) };
      });
      waiting = put.counted;
      refused.push(...put.left);
    }
    if (refused.length > 0 && !this.#isFull) {
      this.options.onNotice(`${this.#pendingMax} messages wait in a channel: no more are taken until there are fewer`);
    }
    this.#isFull = refused.length > 0;
    return refused;
  }

  /** Starts what is due in every channel that is free, and answers without waiting for it. Call it a few times a second. */
  async run(): Promise<void> {
    if (this.#isStopping) return;
    try {
      await this.#refresh();
      await this.#clean();
    } catch (error) {
      return this.#tellStore(error);
    }
    for (const lane of this.#lanes.values()) {
      lane.work ??= this.#work(lane).then(() => this.#tellStore(null), (error) => this.#tellStore(error)).finally(
        () => {
          lane.work = null;
        },
      );
    }
  }

  /** Says once that the store fails, and once that it is back. */
  #tellStore(error: unknown): void {
    const isDown = error !== null;
    if (isDown !== this.#isStoreDown) {
      this.options.onNotice(isDown ? `messages wait, since the store fails: ${textOf(error)}` : "the store is back");
    }
    this.#isStoreDown = isDown;
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map(({ work }) => work));
  }

  /** Starts nothing more, waits for what is under way, and gives it up after `graceMs`: the next start finds it. */
  async stop(graceMs = 5_000): Promise<void> {
    this.#isStopping = true;
    const timer = setTimeout(() => this.#abort.abort(), graceMs);
    await this.idle();
    clearTimeout(timer);
  }

  status(): readonly ChannelStatus[] {
    return [...this.#lanes].map(([channel, { pacing }]) => ({
      channel,
      ...pacing.counts,
      pending: this.#pendingOf(channel),
      isDown: pacing.isDown,
    }));
  }

  /** Entries that are kept and cannot be read. */
  get unreadable(): number {
    return this.#ledger.unreadable;
  }

  readonly #nonce = (): string => {
    let nonce = "";
    while (nonce.length < 24) nonce += Math.floor(this.options.random() * 36).toString(36);
    return nonce;
  };

  #pendingOf(channel: string): number {
    const lane = this.#lanes.get(channel);
    let count = 0;
    for (const entry of this.#ledger.entries.values()) {
      if (lane !== undefined && entry.channel === channel && isPending(entry, lane.notifier)) count++;
    }
    return count;
  }

  async #refresh(): Promise<void> {
    if (this.options.now() - this.#refreshedMs < REFRESH_MS) return;
    await this.#ledger.refresh();
    this.#refreshedMs = this.options.now();
  }

  /** Forgets what is long over, and says what nobody can be told any more. */
  async #clean(): Promise<void> {
    const nowMs = this.options.now();
    if (nowMs - this.#cleanedMs < CLEAN_MS) return;
    this.#cleanedMs = nowMs;
    const isOld = (entry: Entry) => {
      const lane = this.#lanes.get(entry.channel);
      const isOpen = !entry.isResolved || (lane !== undefined && isPending(entry, lane.notifier));
      return nowMs - entry.changedMs > (isOpen ? KEEP_OPEN_MS : KEEP_MS);
    };
    const old = [...this.#ledger.entries].filter(([, entry]) => isOld(entry)).map(([key]) => key).slice(0, 1_000);
    if (old.length > 0) {
      await this.#ledger.change((transaction) => {
        for (const key of old) {
          const entry = transaction.get(key);
          if (entry !== null && isOld(entry)) transaction.set(key, null);
        }
      });
    }
    for (const { channel, message } of this.#ledger.entries.values()) {
      if (this.#lanes.has(channel) || this.#strangers.has(channel) || message.step === "posted") continue;
      this.#strangers.add(channel);
      this.options.onNotice(`messages wait for ${channel}, which is not set up any more`);
    }
  }

  async #work(lane: Lane): Promise<void> {
    for (let calls = 0; calls < CALLS_A_ROUND_MAX && !this.#isStopping; calls++) {
      if (lane.unsaved !== null) {
        await this.#ledger.change(lane.unsaved);
        lane.unsaved = null;
      }
      const nowMs = this.options.now();
      if (nowMs < lane.pacing.nextMs) return;
      const next = nextDue(this.#ledger.entries, lane.notifier.name, lane.notifier, nowMs);
      if (next === null) return;
      await this.#step(lane, next.key, next.due.action);
    }
  }

  async #step(lane: Lane, key: string, action: Action): Promise<void> {
    switch (action.verb) {
      case "send":
        return await this.#send(lane, key, action.target);
      case "update":
        return await this.#update(lane, key);
      default:
        return await this.#look(lane, key, action.target);
    }
  }

  async #send(lane: Lane, key: string, target: string | null): Promise<void> {
    const { notifier, pacing } = lane;
    const attempt = this.#nonce();
    const beganMs = this.options.now();
    const entry = await this.#ledger.change((transaction) => {
      const known = transaction.get(key);
      const next = known === null ? null : begun(known, target, attempt, beganMs);
      if (next !== null && next !== known) transaction.set(key, next);
      return next;
    });
    const message = entry === null ? null : messageOf(entry, target);
    if (entry === null || message === null || entry.notice === null) return;
    // Who slept since then may have been overtaken: better not send than send twice.
    const isLate = this.options.now() - beganMs > TAKEOVER_MS / 2;
    const outcome = isLate ? OVERSLEPT : await caught(this.#call(entry, entry.notice, target, notifier));
    const nowMs = this.options.now();
    if (outcome.kind === "sent") {
      pacing.counts.posted++;
      if (message.isRepeat) pacing.counts.repeats++;
    } else if (outcome.kind === "unknown") pacing.counts.unknown++;
    this.#pace(lane, outcome, nowMs);
    const settled = { attempt, notice: entry.notice, revision: entry.revision, ref: null, nowMs };
    const remove = await this.#save(lane, key, (known) => {
      // Forgotten meanwhile: somebody else told of it to its end.
      if (known === null) return { entry: null, remove: outcome.kind === "sent" ? [outcome.ref] : [] };
      return sent(known, target, outcome, settled, notifier, this.#nonce);
    });
    if (outcome.kind === "refused") this.#tellRefusal(lane, entry, outcome);
    await this.#remove(lane, remove);
  }

  async #call(entry: Entry, notice: Notice, target: string | null, notifier: Notifier): Promise<SendOutcome> {
    const { signal } = this.#abort;
    const reply = entry.replies.find(({ id }) => id === target);
    if (target === null) {
      return await notifier.post(entry.message.isRepeat ? repeated(notice) : notice, entry.message.nonce, signal);
    }
    if (reply === undefined || reply.entry === null || entry.message.ref === null) {
      return { kind: "refused", reason: "there is nothing to answer to", remedy: "none is needed" };
    }
    const { message } = reply;
    const text = message.isRepeat ? `${reply.entry.text} (${REPEAT_NOTE})` : reply.entry.text;
    return await notifier.reply(notice, { ...reply.entry, text }, entry.message.ref, message.nonce, signal);
  }

  async #update(lane: Lane, key: string): Promise<void> {
    const attempt = this.#nonce();
    const beganMs = this.options.now();
    const entry = await this.#ledger.change((transaction) => {
      const known = transaction.get(key);
      const next = known === null ? null : begunUpdate(known, attempt, beganMs);
      if (next !== null && next !== known) transaction.set(key, next);
      return next;
    });
    if (entry === null || entry.notice === null || entry.message.ref === null) return;
    const { notice, revision, message: { ref } } = entry;
    const isLate = this.options.now() - beganMs > TAKEOVER_MS / 2;
    const outcome = isLate ? OVERSLEPT : await caught(lane.notifier.update(notice, ref, this.#abort.signal));
    const nowMs = this.options.now();
    if (outcome.kind === "sent") lane.pacing.counts.updated++;
    this.#pace(lane, outcome, nowMs);
    await this.#save(lane, key, (known) => ({
      entry: known === null ? null : updated(known, outcome, { attempt, notice, revision, ref, nowMs }),
      remove: [],
    }));
    if (outcome.kind === "refused") this.#tellRefusal(lane, entry, outcome);
  }

  async #look(lane: Lane, key: string, target: string | null): Promise<void> {
    const { notifier } = lane;
    const entry = this.#ledger.entries.get(key);
    const message = entry === undefined ? null : messageOf(entry, target);
    if (entry === undefined || message === null) return;
    const parent = target === null ? null : entry.message.ref;
    let outcome: FindOutcome = await notifier.find(message.nonce, message.sinceMs, parent, this.#abort.signal);
    const nowMs = this.options.now();
    this.#pace(lane, outcome, nowMs);
    const isLate = message.step === "posted";
    if (isLate && !await this.#remove(lane, othersOf(message, outcome))) {
      if (message.attempts < REMOVALS_MAX) {
        outcome = { kind: "retry", reason: "a message that was sent twice is still there", afterMs: null };
      } else {
        this.options.onNotice(`${notifier.name}: a message of ${entry.id} is there twice and cannot be taken back`);
      }
    }
    if (!isLate && outcome.kind === "found") lane.pacing.counts.posted++;
    await this.#save(lane, key, (known) => {
      if (known === null) return { entry: null, remove: [] };
      const entry = isLate
        ? lookedLate(known, target, outcome, nowMs)
        : looked(known, target, message.attempt, outcome, nowMs, notifier, this.#nonce);
      return { entry, remove: [] };
    });
  }

  /** Writes what came of a call; where the store does not take it, it waits, and so does the channel. */
  async #save(
    lane: Lane,
    key: string,
    settle: (known: Entry | null) => { readonly entry: Entry | null; readonly remove: readonly MessageRef[] },
  ): Promise<readonly MessageRef[]> {
    let remove: readonly MessageRef[] = [];
    const change = (transaction: Transaction): void => {
      const known = transaction.get(key);
      const settled = settle(known);
      remove = settled.remove;
      if (settled.entry !== null && settled.entry !== known) {
        transaction.set(key, slim(settled.entry, lane.notifier));
      }
    };
    lane.unsaved = change;
    await this.#ledger.change(change);
    lane.unsaved = null;
    return remove;
  }

  /** Takes messages back that are there twice; answers whether all are gone. */
  async #remove({ notifier, pacing }: Lane, refs: readonly MessageRef[]): Promise<boolean> {
    let areGone = true;
    for (const ref of refs) {
      const isGone = await notifier.remove(ref, this.#abort.signal);
      areGone &&= isGone;
      if (!isGone) continue;
      pacing.counts.duplicates++;
      this.options.onNotice(`${notifier.name}: a message was sent twice; the second was taken back`);
    }
    return areGone;
  }

  #pace({ notifier: { name }, pacing }: Lane, outcome: SendOutcome | FindOutcome, nowMs: number): void {
    const waiting = () => this.#pendingOf(name);
    const { kind } = outcome;
    const text = kind === "retry" || kind === "unknown"
      ? pacing.failed(
        outcome.reason,
        kind === "retry" ? outcome.afterMs : null,
        nowMs,
        this.options.random(),
        waiting,
      )
      : pacing.succeeded(nowMs, waiting);
    if (text !== null) this.options.onNotice(text);
  }

  #tellRefusal({ pacing, notifier }: Lane, { id }: Entry, outcome: { reason: string; remedy: string }): void {
    pacing.counts.failed++;
    this.options.onNotice(`${notifier.name} refuses the message of ${id}: ${outcome.reason}; ${outcome.remedy}`);
  }
}

const OVERSLEPT: SendOutcome = { kind: "retry", reason: "the process slept or the store was slow", afterMs: null };

/** A notifier that throws, which none should, has done nobody knows what. */
const caught = (outcome: Promise<SendOutcome>): Promise<SendOutcome> =>
  outcome.catch((error) => ({ kind: "unknown", reason: textOf(error) }));
