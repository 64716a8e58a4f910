/** What commands ask of a running gateway, and how its failures read. */
import { z } from "zod";
import { messageOf, MillraceError } from "../core/errors.ts";

const HEALTH_TIMEOUT_MS = 2_000;
/** Deleting a large topic takes its time. */
const REQUEST_TIMEOUT_MS = 120_000;

/** problem+json, as far as it is shown. */
const problem = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  /** Lines that are in although the request failed; absent: none was read. */
  accepted: z.number().optional(),
});
const topicAnswer = z.object({ partitions: z.array(z.unknown()), format: z.string().nullable() });

/** Whether the gateway at `url` answers its health check. */
export async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL("/healthz", url), { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** A topic as its gateway tells it. */
export interface RemoteTopic {
  readonly partitions: number;
  /** Null: not detected yet. */
  readonly format: string | null;
}

/** The topic of that name, or null where there is none. Throws UNREACHABLE or REFUSED. */
export async function findRemoteTopic(url: string, topic: string): Promise<RemoteTopic | null> {
  const response = await ask(url, `/api/v1/topics/${encodeURIComponent(topic)}`);
  if (response.status === 404) {
    await response.body?.cancel();
    return null;
  }
  return await remoteTopicOf(response, `GET /api/v1/topics/${topic}`);
}

/** Makes the topic; where a number of partitions isn't given, as many as the gateway's configuration says. */
export async function createRemoteTopic(
  url: string,
  topic: string,
  options: { readonly partitions?: number; readonly format?: string },
): Promise<RemoteTopic> {
  const body = JSON.stringify({ name: topic, ...options });
  const headers = { "content-type": "application/json" };
  const response = await ask(url, "/api/v1/topics", { method: "POST", headers, body });
  return await remoteTopicOf(response, "POST /api/v1/topics");
}

/** Deletes the topic and what was derived from it. */
export async function deleteRemoteTopic(url: string, topic: string): Promise<void> {
  const headers = { "x-confirm": topic };
  const response = await ask(url, `/api/v1/topics/${encodeURIComponent(topic)}`, { method: "DELETE", headers });
  if (!response.ok && response.status !== 404) throw (await refusal(response, `DELETE /api/v1/topics/${topic}`)).error;
  await response.body?.cancel();
}

/** What a gateway answers a GET with, as JSON of a shape. Throws UNREACHABLE or REFUSED. */
export async function askGateway<Answer>(url: string, path: string, shape: z.ZodType<Answer>): Promise<Answer> {
  const response = await ask(url, path);
  if (!response.ok) throw (await refusal(response, `GET ${path}`)).error;
  const answer = shape.safeParse(await response.json().catch(() => null));
  if (answer.success) return answer.data;
  throw new MillraceError("REFUSED", `GET ${path}: not the answer of a Millrace gateway`, "check the address (--url)");
}

async function ask(url: string, path: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(new URL(path, url), { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  } catch (error) {
    throw unreachable(url, error);
  }
}

async function remoteTopicOf(response: Response, request: string): Promise<RemoteTopic> {
  if (!response.ok) throw (await refusal(response, request)).error;
  const answer = topicAnswer.safeParse(await response.json().catch(() => null));
  if (!answer.success) {
    throw new MillraceError("REFUSED", `${request}: not the answer of a Millrace gateway`, "check the address (--url)");
  }
  return { partitions: answer.data.partitions.length, format: answer.data.format };
}

/** fetch says "fetch failed"; what happened is in its cause. */
function causeOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}

/** Whether the request surely never reached a server. */
export function isNotConnected(error: unknown): boolean {
  return /client error \(Connect\)|Connection refused/i.test(causeOf(error));
}

/** The error for a gateway that did not answer. */
export function unreachable(url: string, error: unknown): MillraceError {
  const why = /(?:Connection refused|dns error|closed before message completed|timed out|reset by peer)/i
    .exec(causeOf(error));
  return new MillraceError(
    "UNREACHABLE",
    `the gateway at ${url} does not answer: ${why?.[0] ?? causeOf(error)}`,
    "check the address, and that `deno task dev` runs there",
    { cause: error },
  );
}

/** An answer that is not a success. */
export interface Refusal {
  readonly error: MillraceError;
  /** True where the gateway had begun to take lines. */
  readonly hasBegun: boolean;
}

/** What such an answer says. Reads its body. */
export async function refusal(response: Response, request: string): Promise<Refusal> {
  const text = await response.text().catch(() => "");
  let detail = text.slice(0, 200).trim(); // of a proxy, perhaps
  let hasBegun = false;
  try {
    const parsed = problem.safeParse(JSON.parse(text));
    if (parsed.success) {
      detail = parsed.data.detail ?? parsed.data.title ?? "";
      hasBegun = parsed.data.accepted !== undefined;
    }
  } catch {
    // Not JSON: the text itself is shown.
  }
  const error = new MillraceError(
    "REFUSED",
    `${request}: the gateway answered ${response.status}${detail === "" ? "" : `: ${detail}`}`,
    response.status === 413
      ? "send smaller records, or raise gateway.ingestBodyBytesMax and log.recordBytesMax there"
      : "see what the gateway says",
  );
  return { error, hasBegun };
}
