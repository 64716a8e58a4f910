/** Errors as application/problem+json (RFC 9457): what was wrong, which parameter, and what a right value looks like. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

export interface ParameterProblem {
  readonly parameter: string;
  readonly message: string;
}

/** Thrown by handlers; the app answers it as it stands. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: ContentfulStatusCode,
    readonly title: string,
    readonly detail: string,
    readonly extra: {
      readonly errors?: readonly ParameterProblem[];
      readonly retryAfterSeconds?: number;
      /** Methods that there are instead, for 405. */
      readonly allow?: readonly string[];
      /** Further members of the body. */
      readonly fields?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(detail);
  }
}

/** 400 about one parameter. */
export function badParameter(parameter: string, message: string): Problem {
  return new Problem(400, "Bad parameter", `${parameter}: ${message}`, { errors: [{ parameter, message }] });
}

export function problemResponse(c: Context, problem: Problem): Response {
  const { errors, retryAfterSeconds, allow, fields } = problem.extra;
  if (retryAfterSeconds !== undefined) c.header("Retry-After", String(retryAfterSeconds));
  if (allow !== undefined) c.header("Allow", allow.join(", "));
  const body = {
    type: "about:blank",
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    ...(errors === undefined ? {} : { parameter: errors[0]?.parameter, errors }),
    ...fields,
  };
  return c.body(JSON.stringify(body), problem.status, { "Content-Type": "application/problem+json" });
}
