/** Buttons over Socket Mode: Slack's events come through a connection that we open, so that no public address is needed. */
import { type Logger, LogLevel, SocketModeClient } from "@slack/socket-mode";
import { messageOf } from "../../core/errors.ts";
import { actionsOf, type PersonAction } from "./slack_actions.ts";

export interface SlackSocketOptions {
  /** App-level token, xapp-... */
  readonly appToken: string;
  readonly apiUrl: string;
  readonly onAction: (action: PersonAction) => void;
  /** What the operator should know, in a line. */
  readonly onNotice: (text: string) => void;
  /** Before it is tried again where it cannot be opened. */
  readonly pauseMs?: number;
}

const PAUSE_MS = 30_000;
const TIMEOUT_MS = 10_000;
const nothing = () => {};

const SILENT: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  setName: nothing,
  getLevel: () => LogLevel.ERROR,
};

interface Interactive {
  readonly ack: () => Promise<void>;
  readonly body: unknown;
}

/** Listens until it is stopped; opens the connection again when it ends. */
export class SlackSocket {
  readonly #client: SocketModeClient;
  #isStopped = false;
  #isDown = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SlackSocketOptions) {
    this.#client = new SocketModeClient({
      appToken: options.appToken,
      logger: SILENT,
      clientOptions: { slackApiUrl: options.apiUrl, retryConfig: { retries: 0 }, timeout: TIMEOUT_MS },
      autoReconnectEnabled: false,
    });
    this.#client.on("interactive", ({ ack, body }: Interactive) => {
      // First the answer: Slack shows people a warning after three seconds.
      void ack().catch(nothing);
      for (const action of actionsOf(body)) options.onAction(action);
    });
    this.#client.on("disconnected", () => this.#again(null));
    this.#client.on("error", nothing);
  }

  start(): void {
    this.#client.start().then(() => {
      if (this.#isDown) this.options.onNotice("clicks on buttons in Slack arrive again");
      this.#isDown = false;
    }, (error) => this.#again(error ?? "the connection ended"));
  }

  /** Slack ends connections from time to time: that alone is nothing to tell. */
  #again(error: unknown): void {
    if (this.#isStopped) return;
    if (error !== null && !this.#isDown) {
      this.#isDown = true;
      this.options.onNotice(
        `clicks on buttons in Slack do not arrive: ${messageOf(error)}; see to notify.slack.appToken and Socket Mode`,
      );
    }
    clearTimeout(this.#timer);
    const pauseMs = this.options.pauseMs ?? PAUSE_MS;
    this.#timer = setTimeout(() => this.start(), error === null ? Math.min(1_000, pauseMs) : pauseMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#client.disconnect().catch(nothing);
  }
}
