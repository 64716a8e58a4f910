/**
 * Scenarios of the pages in a real browser that is clicked, typed into and looked at; run by name, as a process of its own:
 * the library that drives the browser looks into /proc, for which Deno wants all permissions.
 */
import { accessibility } from "./accessibility_scenario.ts";
import { type Scenario, withBrowser } from "./harness.ts";
import { listScenarios } from "./list_scenarios.ts";
import { overviewScenarios } from "./overview_scenarios.ts";
import { personalScenarios } from "./personal_scenarios.ts";

const scenarios: Readonly<Record<string, Scenario>> = {
  ...overviewScenarios,
  ...listScenarios,
  ...personalScenarios,
  accessibility,
};

const [name] = Deno.args;
await withBrowser(scenarios[name]);
Deno.exit(0); // the library leaves something open
