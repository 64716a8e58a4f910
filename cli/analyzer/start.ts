/** The analyzer over the log and the store of a command: errors read, explained and told. */
import { Analyzer, type AnalyzerStatus } from "../../analyzer/main.ts";
import { createRedactor } from "../../analyzer/errors/redaction.ts";
import { Outbox } from "../../analyzer/notify/outbox_runner.ts";
import { openWays, slackSecrets } from "../../analyzer/notify/registry.ts";
import { SlackSocket } from "../../analyzer/notify/slack_socket.ts";
import { createSummarizer, type MistralSummarizer } from "../../analyzer/summaries/summarizer.ts";
import { messageOf } from "../../core/errors.ts";
import type { Config } from "../../core/config/schema.ts";
import type { Store } from "../../core/store/ports.ts";
import { type Data, membershipOf } from "../data.ts";
import { takeAction } from "./person_actions.ts";
import { rulesOf } from "./settings.ts";
import { WorkerReaders } from "./worker_readers.ts";

export interface AnalyzerOptions {
  readonly config: Config;
  readonly data: Data;
  /** Where people reach the dashboard, unless the settings say so; null: nobody knows. */
  readonly dashboardUrl: string | null;
  readonly isTerminal: boolean;
  /** Whether a terminal is told in short: other things are said there too. */
  readonly isBrief?: boolean;
  /** Prints what the console is told. */
  readonly print: (text: string) => void;
  readonly onNotice: (text: string) => void;
}

export interface RunningAnalyzer {
  readonly outbox: Outbox;
  readonly summarizer: MistralSummarizer;
  status(): Promise<AnalyzerStatus>;
  stop(): Promise<void>;
}

const KEY_OF_REDACTION = "analyzer/redaction-key";
const OUTBOX = "outbox";
const ROUND_MS = 250;

/** Throws INVALID_CONFIG or FILE_UNAVAILABLE for settings that cannot be used. */
export async function startAnalyzer(options: AnalyzerOptions): Promise<RunningAnalyzer> {
  const { config, data, onNotice } = options;
  const { store } = data;
  await using parts = new AsyncDisposableStack();
  const ways = openWays({
    settings: config.notify,
    isTerminal: options.isTerminal,
    isBrief: options.isBrief,
    write: (text) => options.print(`${text}\n`),
    now: Date.now,
    onNotice: (text) => onNotice(`notifications: ${text}`),
  });
  const stopping = new AbortController();
  parts.defer(() => stopping.abort());
  const redactor = createRedactor(config.analyzer.redactionKey || await redactionKey(store));
  const summarizer = await createSummarizer(config.mistral, {
    now: Date.now,
    random: Math.random,
    wait: pause,
    notice: onNotice,
    ledger: store,
  });
  void summarizer.check(stopping.signal);
  for (const notifier of ways.notifiers) {
    void notifier.check(stopping.signal).then((wrong) => {
      if (wrong !== null) onNotice(`warning: ${notifier.name}: ${wrong.reason}; ${wrong.remedy}`);
    });
  }
  const outbox = new Outbox({
    documents: store,
    collection: OUTBOX,
    ...ways,
    now: Date.now,
    random: Math.random,
    onNotice: (text) => onNotice(`notifications: ${text}`),
  });
  const { appToken } = slackSecrets(config.notify);
  if (appToken !== "") {
    const socket = new SlackSocket({
      appToken,
      apiUrl: config.notify.slack.apiUrl,
      onAction: (action) =>
        void takeAction(store, action).catch((error) =>
          onNotice(`warning: a click in Slack was not kept: ${messageOf(error)}`)
        ),
      onNotice,
    });
    socket.start();
    parts.defer(() => socket.stop());
  }
  const readers = new WorkerReaders({ config, log: data.log, store, onNotice });
  parts.defer(() => readers.stop());
  const groupId = config.analyzer.groupId;
  const analyzer = new Analyzer({
    documents: store,
    readers,
    redactor,
    summarizer,
    announcer: outbox,
    rules: rulesOf(config),
    fingerprintsMax: config.analyzer.fingerprintsMax,
    summaryWaitMs: config.analyzer.summaryWaitSeconds * 1000,
    dashboardUrl: config.gateway.publicUrl || options.dashboardUrl,
    membership: await membershipOf(data, { ...config, kafka: { ...config.kafka, groupId } }, onNotice),
    log: data.log,
    now: Date.now,
    onNotice,
  });
  parts.defer(() => outbox.stop());
  parts.use(every(ROUND_MS, () => outbox.run(), (error) => onNotice(`warning: notifications: ${messageOf(error)}`)));
  await analyzer.start();
  parts.defer(() => analyzer.stop());
  const running = parts.move();
  return { outbox, summarizer, status: () => analyzer.status(), stop: () => running.disposeAsync() };
}

/** Made once, so that pseudonyms stay the same over restarts and in all analyzers. */
async function redactionKey(store: Pick<Store, "putIfAbsent">): Promise<string> {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return await store.putIfAbsent(KEY_OF_REDACTION, bytes.toHex());
}

/** Rejects with the signal's reason where that ends it. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Runs something again and again, never twice at once, until it is disposed of; a failure that lasts is told once. */
function every(ms: number, run: () => Promise<unknown>, onFailure: (error: unknown) => void): AsyncDisposable {
  let running: Promise<void> = Promise.resolve();
  let isRunning = false;
  let hasFailed = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    running = run().then(() => {
      hasFailed = false;
    }, (error) => {
      if (!hasFailed) onFailure(error);
      hasFailed = true;
    }).finally(() => isRunning = false);
  }, ms);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
    },
  };
}
