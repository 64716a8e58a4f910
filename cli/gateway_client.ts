/** What commands ask of a running gateway, and how its failures read. */
import { z } from "zod";
import { messageOf, MillraceError } from "../core/errors.ts";

const HEALTH_TIMEOUT_MS = 2_000;

/** problem+json, as far as it is shown. */
const problem = z.object({ title: z.string().optional(), detail: z.string().optional() });
const topicAnswer = z.object({ partitions: z.array(z.unknown()) });

/** Empties the topic and what was derived from it; a topic that isn't there is fine. */
export async function resetTopicOver(url: string, topic: string): Promise<void> {
  let response: Response;
  try {
    response = await fetch(new URL(`/api/v1/topics/${encodeURIComponent(topic)}`, url), {
      method: "DELETE",
      headers: { "x-confirm": topic },
    });
  } catch (error) {
    throw unreachable(url, error);
  }
  if (!response.ok && response.status !== 404) throw await refusal(response, `DELETE /api/v1/topics/${topic}`);
  await response.body?.cancel();
}

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

/** How many partitions the topic has, for a summary; 0 where the gateway doesn't say. */
export async function countPartitions(url: string, topic: string): Promise<number> {
  try {
    const response = await fetch(new URL(`/api/v1/topics/${encodeURIComponent(topic)}`, url), {
      signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
    });
    const answer = topicAnswer.safeParse(await response.json());
    return answer.success ? answer.data.partitions.length : 0;
  } catch {
    // The records are in: a summary that lacks a figure is no failure.
    return 0;
  }
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

/** The error for an answer that is not a success, with what its body says. Reads the body. */
export async function refusal(response: Response, request: string): Promise<MillraceError> {
  const text = await response.text().catch(() => "");
  let detail = "";
  try {
    const parsed = problem.safeParse(JSON.parse(text));
    if (parsed.success) detail = parsed.data.detail ?? parsed.data.title ?? "";
  } catch {
    detail = text.slice(0, 200).trim(); // a proxy's page, perhaps
  }
  return new MillraceError(
    "REFUSED",
    `${request}: the gateway answered ${response.status}${detail === "" ? "" : `: ${detail}`}`,
    response.status === 413
      ? "send smaller records, or raise gateway.ingestBodyBytesMax there"
      : "see what the gateway says",
  );
}
