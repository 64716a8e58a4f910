import { expect } from "expect";
import { configSchema, type NotifyRoute } from "../../core/config/schema.ts";
import { routesOf } from "./routing.ts";

const routes = (...given: object[]): readonly NotifyRoute[] =>
  configSchema.parse({ notify: { routes: given } }).notify.routes;
const error = { topic: "shop", service: "payments-eu", kind: "error", severity: "error" } as const;

Deno.test("the first route that matches decides, and those after it where it says so", () => {
  const three = routes(
    { services: ["payments-*"], to: ["slack:#pay"], continue: true },
    { severities: ["critical", "error"], to: ["email:oncall@example.org", "slack:#pay"] },
    { to: ["console"] },
  );
  expect(routesOf(three, ["fallback"], error)).toEqual(["slack:#pay", "email:oncall@example.org"]);
  expect(routesOf(three, ["fallback"], { ...error, severity: "info" })).toEqual(["slack:#pay", "console"]);
  expect(routesOf(three, ["fallback"], { ...error, service: "orders" })).toEqual([
    "email:oncall@example.org",
    "slack:#pay",
  ]);
  expect(routesOf(three, ["fallback"], { ...error, service: "orders", severity: "info" })).toEqual(["console"]);
});

Deno.test("without a match the fallback is told; an empty list tells nobody", () => {
  expect(routesOf([], ["fallback"], error)).toEqual(["fallback"]);
  expect(routesOf(routes({ topics: ["bank"], to: ["console"] }), ["fallback"], error)).toEqual(["fallback"]);
  expect(routesOf(routes({ kinds: ["error"], to: [] }), ["fallback"], error)).toEqual([]);
  expect(routesOf(routes({ kinds: ["alert"], to: [] }), ["fallback"], error)).toEqual(["fallback"]);
});

Deno.test("patterns match whole names, and nothing in them but the star is special", () => {
  const isMatch = (pattern: string, service: string) =>
    routesOf(routes({ services: [pattern], to: ["console"] }), [], { ...error, service }).length > 0;
  expect(isMatch("pay*", "payments")).toBe(true);
  expect(isMatch("*eu", "payments-eu")).toBe(true);
  expect(isMatch("p*s**-eu", "payments-eu")).toBe(true);
  expect(isMatch("pay", "payments")).toBe(false);
  expect(isMatch("a.c", "abc")).toBe(false);
  expect(isMatch("a.c", "a.c")).toBe(true);
  expect(isMatch("(x)+*", "(x)+y")).toBe(true);
  expect(isMatch("*", "")).toBe(true);
});
