/** The pages in a real browser: scenarios.ts, a process each. */
import { browserTests } from "./browser_tests.ts";

const browserTest = browserTests(new URL("./scenarios.ts", import.meta.url));

browserTest("the dashboard shows what comes while it is open, holds still while it is read, and narrows", "dashboard");
browserTest("levels are chosen with buttons, and values of a dimension narrow what is shown", "narrowing");
browserTest("a view is exported with how many rows it has and the command for it", "exporting");
browserTest("arrow keys move the cursors of all charts, and the values are told", "keyboard");
browserTest("a gateway without live events is polled instead", "polling");
browserTest("a page that nobody sees asks for nothing until somebody looks", "hidden");
browserTest("a list of thousands of events is scrolled through to its end, by wheel and by keys", "longList");
browserTest("a live tail filters, waits while it is held, keeps what came, and counts all that it leaves out", "tail");
browserTest("a live tail whose connection breaks goes on where it was", "tailResumes");
browserTest("columns of the log's records have names above them", "columns");
browserTest("bars of the report are readable, and as long as what they stand for", "bars");
browserTest("a report is of any days, which its address keeps", "period");
browserTest("where nothing is, it is said, with the way to what there is", "nothing");
browserTest("a gateway that does not answer leaves what was known, with its time, in its place", "outage");
browserTest("settings hold in every tab and after a reload, and are nobody else's", "settings");
browserTest("views are saved, opened, shared and deleted", "views");
browserTest("every page passes axe, light and dark, wide and narrow, and fits its width", "accessibility");
