/** The console notifier: text to read on a terminal, a line of JSON for each thing to tell elsewhere. */
import type { Notice, ThreadEntry } from "./notice.ts";
import { entryText, noticeLine, noticeText } from "./notice_text.ts";
import { inertLine, visible } from "../shown_text.ts";
import type { FindOutcome, MessageRef, Notifier, SendOutcome } from "./notifier.ts";

export interface ConsoleOptions {
  readonly isTerminal: boolean;
  /** On a terminal, where other things are said too: what it is, what is behind it and where to look, and no counts. */
  readonly isBrief?: boolean;
  /** Writes a text and a line end. */
  readonly write: (text: string) => void;
}

export class ConsoleNotifier implements Notifier {
  readonly name = "console";
  readonly canUpdate = true;
  readonly intervalMs = 0;

  constructor(private readonly options: ConsoleOptions) {}

  post(notice: Notice, nonce: string): Promise<SendOutcome> {
    this.#tell("opened", notice, null, () => this.options.isBrief ? briefText(notice) : `\n${noticeText(notice)}\n`);
    return this.#sent(notice, nonce);
  }

  /** A line where only counts have changed, all of it where there is another summary. */
  update(notice: Notice, ref: MessageRef): Promise<SendOutcome> {
    if (this.options.isTerminal && this.options.isBrief) {
      if (summaryOf(notice) !== ref.summary || notice.state !== ref.state) this.options.write(briefText(notice));
      return this.#sent(notice, ref.nonce);
    }
    const facts = notice.facts.slice(0, 4).map(({ label, value }) => inertLine(`${label} ${value}`)).join(", ");
    this.#tell(
      "changed",
      notice,
      null,
      () =>
        summaryOf(notice) === ref.summary ? noticeLine(notice) + (facts && `: ${facts}`) : `\n${noticeText(notice)}\n`,
    );
    return this.#sent(notice, ref.nonce);
  }

  reply(notice: Notice, entry: ThreadEntry, ref: MessageRef): Promise<SendOutcome> {
    if (this.options.isTerminal && this.options.isBrief) return Promise.resolve({ kind: "sent", ref });
    this.#tell("added", notice, entry, () => `${noticeLine(notice)}: ${entryText(entry)}`);
    return Promise.resolve({ kind: "sent", ref });
  }

  find(): Promise<FindOutcome> {
    return Promise.resolve({ kind: "cannot_tell", reason: "what was printed cannot be looked for" });
  }

  remove(): Promise<boolean> {
    return Promise.resolve(false);
  }

  check(): Promise<null> {
    return Promise.resolve(null);
  }

  #tell(event: string, notice: Notice, entry: ThreadEntry | null, text: () => string): void {
    this.options.write(this.options.isTerminal ? text() : visible(JSON.stringify({ event, notice, entry })));
  }

  #sent(notice: Notice, nonce: string): Promise<SendOutcome> {
    return Promise.resolve({ kind: "sent", ref: { nonce, summary: summaryOf(notice), state: notice.state } });
  }
}

/** A line, what a model made of it, and where to look. */
function briefText(notice: Notice): string {
  const isWritten = notice.causes.length > 0 || notice.nextSteps.length > 0;
  const link = notice.links.at(-1)?.url ?? "";
  const more = [isWritten ? inertLine(notice.summary) : "", notice.state === "open" ? link : ""];
  const { state, severity, title, service } = notice;
  const isNamed = service === "" || title.startsWith(`${service}:`);
  const line = isNamed ? inertLine(`${state === "resolved" ? state : severity}: ${title}`) : noticeLine(notice);
  return [line, ...more.filter((text) => text !== "").map((text) => `         ${text}`)].join("\n");
}

/** What makes the whole worth reading again; cut, since it is kept. */
const summaryOf = ({ author, title, summary }: Notice): string => `${author}|${title}|${summary}`.slice(0, 200);
