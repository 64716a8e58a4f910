/** Alerts and runs on the overview in a real browser: alerts_scenarios.ts, a process each. */
import { browserTests } from "./browser_tests.ts";

const browserTest = browserTests(new URL("./alerts_scenarios.ts", import.meta.url));

browserTest("what fires comes first, leads to its minutes, and is marked on charts, in words and tables", "alerts");
browserTest("what begins to fire moves nothing, and its details lie over what is below", "steady");
browserTest("an alert is acknowledged and silenced by the keyboard, and what is refused is said", "decisions");
browserTest("incidents that begin together are one mark, with a list of all of them", "storm");
browserTest("why there are no alerts is said, with what to do about it", "nothing");
browserTest("runs say how they ended and when the next is due", "runs");
browserTest("alerts and runs pass axe, light and dark, wide and narrow, and fit the width", "accessibility");
