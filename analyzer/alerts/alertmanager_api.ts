/** Requests to Alertmanagers (API v2), whose failures are told once, until one goes through again. */
import { messageOf } from "../../core/errors.ts";

const TIMEOUT_MS = 10_000;

export class AlertmanagerApi {
  readonly #failed = new Set<string>();

  /** @param what Was not done where a request fails, as in "got no alerts". */
  constructor(private readonly what: string, private readonly onProblem: (message: string) => void) {}

  /** Runs requests to one Alertmanager; false where one of them failed. */
  async with(url: string, run: (ask: Ask) => Promise<void>): Promise<boolean> {
    try {
      await run((method, path, body) => ask(`${url.replace(/\/$/, "")}/api/v2/${path}`, method, body));
      if (this.#failed.delete(url)) this.onProblem(`Alertmanager ${url} answers again`);
      return true;
    } catch (error) {
      if (!this.#failed.has(url)) {
        this.#failed.add(url);
        this.onProblem(
          `warning: Alertmanager ${url} ${this.what}: ${
            messageOf(error)
          }; tried again (analyzer.alertmanagers names it)`,
        );
      }
      return false;
    }
  }
}

/** Sends a request and answers the text of the answer. Throws where it is no success. */
export type Ask = (method: "GET" | "POST" | "DELETE", path: string, body?: unknown) => Promise<string>;

async function ask(url: string, method: string, body?: unknown): Promise<string> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${text.slice(0, 300)}`);
  return text;
}
