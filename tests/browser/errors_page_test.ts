/** The page of errors in a real browser: errors_scenarios.ts, a process each. */
import { browserTests } from "./browser_tests.ts";

const browserTest = browserTests(new URL("./errors_scenarios.ts", import.meta.url));

browserTest("an incident is read by keyboard, acknowledged, silenced, judged, and followed to its events", "incident");
browserTest("kinds of errors are found, explained, renamed, merged and split", "kinds");
browserTest("errors come in while the page is open, and it holds still while it is read", "live");
browserTest("views and settings are there as on the dashboard, and views of one page are not another's", "personal");
browserTest("the page of errors passes axe, light and dark, wide and narrow, and fits its width", "accessibility");
