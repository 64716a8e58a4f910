/** What validation found, told by parameter: why it is wrong, what was probably meant, and a value that is right. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { routePath } from "hono/route";
import type { z } from "zod";
import { didYouMean } from "../core/config/nearest.ts";
import { type ParameterProblem, Problem, problemResponse } from "./problem.ts";

const SHOWN_CHARACTERS = 80;

/** A parameter of a route, as its description has it. */
interface KnownParameter {
  readonly name: string;
  readonly example?: string;
}

/** What was sent: the values of each query parameter; null where something else was validated. */
type Given = Readonly<Record<string, readonly string[]>> | null;

type Validated =
  & { readonly target: string }
  & (
    | { readonly success: true }
    | { readonly success: false; readonly error: z.core.$ZodError }
  );

/** Answers what failed validation with a 400, and lets everything else pass. For `defaultHook`. */
export function validationHook(app: () => OpenAPIHono): (result: Validated, c: Context) => Response | undefined {
  return (result, c) => {
    if (result.success) return undefined;
    const given = result.target === "query" ? c.req.queries() : null;
    return problemResponse(c, problemOfZod(result.error, parametersOf(app(), c, result.target), given));
  };
}

/** The problem that zod's issues are, one entry a parameter. */
export function problemOfZod(error: z.core.$ZodError, known: readonly KnownParameter[], given: Given): Problem {
  const names = known.map(({ name }) => name);
  const errors = error.issues.flatMap((issue): ParameterProblem[] => {
    if (issue.code === "unrecognized_keys") {
      // What a body may have hangs on its other fields.
      if (given === null) return issue.keys.map((key) => ({ parameter: key, message: "the body has no such field" }));
      const there = names.length === 0 ? "; there are none here" : `; there are ${names.join(", ")}`;
      return issue.keys.map((key) => ({
        parameter: key,
        message: `there is no such parameter${didYouMean(key, names)}${there}`,
      }));
    }
    const parameter = issue.path.map(String).join(".") || "body";
    const example = known.find(({ name }) => name === parameter)?.example;
    return [{
      parameter,
      message: messageOf(issue, given?.[parameter] ?? null, given !== null) +
        (example === undefined ? "" : `; for example ${parameter}=${example}`),
    }];
  });
  const detail = errors.map(({ parameter, message }) => `${shortened(parameter)}: ${message}`).join("; ");
  return new Problem(400, "Bad parameter", detail, { errors });
}

function messageOf(issue: z.core.$ZodIssue, values: readonly string[] | null, isQuery: boolean): string {
  if (isQuery ? values === null : issue.message.endsWith("received undefined")) return "it is missing";
  if (issue.code === "invalid_type" && values !== null && values.length > 1) return "it is given more than once";
  if (issue.code !== "invalid_value") return issue.message;
  const allowed = issue.values.map(String);
  const [value] = values ?? [];
  const meant = value === undefined ? "it" : `"${shortened(value)}"`;
  return `${meant} is none of ${allowed.join(", ")}${value === undefined ? "" : didYouMean(value, allowed)}`;
}

function shortened(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}

/** The parameters of the route that `c` is in, for those who misspell one. */
function parametersOf(app: OpenAPIHono, c: Context, target: string): KnownParameter[] {
  const path = routePath(c).replaceAll(/:(\w+)/g, "{$1}");
  const method = c.req.method === "HEAD" ? "get" : c.req.method.toLowerCase();
  const operations: unknown = app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } })
    .paths?.[path];
  const operation: unknown = valueOf(operations, method);
  const parameters: unknown = valueOf(operation, "parameters");
  const wanted = target === "param" ? "path" : target;
  return (Array.isArray(parameters) ? parameters : []).flatMap((parameter: unknown) => {
    const name = valueOf(parameter, "name");
    if (typeof name !== "string" || valueOf(parameter, "in") !== wanted) return [];
    const example = valueOf(valueOf(parameter, "schema"), "example");
    const first = Array.isArray(example) ? example[0] : example;
    return [{ name, ...(first === undefined ? {} : { example: String(first) }) }];
  });
}

function valueOf(owner: unknown, name: string): unknown {
  return typeof owner === "object" && owner !== null ? Reflect.get(owner, name) : undefined;
}
