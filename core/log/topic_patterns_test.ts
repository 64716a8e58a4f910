import { expect } from "expect";
import { topicMatcher } from "./topic_patterns.ts";

const meant = (patterns: readonly string[], names: readonly string[]) => names.filter(topicMatcher(patterns));

Deno.test("a pattern's * stands for any text, also for none, and everything else for itself", () => {
  const names = ["web", "web-1", "a.web", "a-web", "aXweb", "WEB", "", "web\n1"];
  expect(meant(["web*"], names)).toEqual(["web", "web-1"]);
  expect(meant(["*web"], names)).toEqual(["web", "a.web", "a-web", "aXweb"]);
  expect(meant(["a.web"], names)).toEqual(["a.web"]);
  expect(meant(["a.*"], names)).toEqual(["a.web"]);
  expect(meant(["*e*b*"], names)).toEqual(["web", "web-1", "a.web", "a-web", "aXweb"]);
  expect(meant(["(web|a+)", "[w]eb"], ["web", "a", "(web|a+)", "[w]eb"])).toEqual(["(web|a+)", "[w]eb"]);
});

Deno.test("several patterns mean what any of them means", () => {
  expect(meant(["orders", "web-*"], ["orders", "orders-2", "web-1", "web"])).toEqual(["orders", "web-1"]);
});

Deno.test("what Millrace or Kafka writes itself is meant by its name only", () => {
  const names = ["agg_web", "__consumer_offsets", "aggregate", "web"];
  expect(meant(["*"], names)).toEqual(["aggregate", "web"]);
  expect(meant(["agg_*", "__*"], names)).toEqual([]);
  expect(meant(["agg_web"], names)).toEqual(["agg_web"]);
});
