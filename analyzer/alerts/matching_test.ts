import { expect } from "expect";
import { isMuted, type MuteWindow, parseMatchers, remarksOnSilences, type Silence } from "./matching.ts";

const at = (time: string): number => Date.parse(time);
const silence = (match: string[], from: string, until: string, line: number): Silence => ({
  matchers: parseMatchers(match),
  fromMs: at(from),
  untilMs: at(until),
  comment: "",
  place: `rules.yaml:${line}`,
});

Deno.test("silences that overlap are told with place and time; those that cannot meet are not", () => {
  const silences = [
    silence(["service=a|b"], "2026-03-02T10:00Z", "2026-03-02T12:00Z", 10),
    silence(["service=b", "severity=critical"], "2026-03-02T11:00Z", "2026-03-02T13:00Z", 14),
    silence(["service!=a"], "2026-03-02T12:00Z", "2026-03-02T12:30Z", 18),
    silence(["service=c"], "2026-03-02T10:00Z", "2026-03-02T20:00Z", 22),
    silence(["service=a"], "2026-03-01T10:00Z", "2026-03-01T20:00Z", 26),
  ];
  expect(remarksOnSilences(silences, at("2026-03-02T09:00Z"))).toEqual([
    "rules.yaml:26: this silence ended at 2026-03-01T20:00Z; it may be removed",
    "rules.yaml:14: this silence overlaps with the one at rules.yaml:10 from 2026-03-02T11:00Z until 2026-03-02T12:00Z; " +
    "what both match stays silent until 2026-03-02T13:00Z",
    "rules.yaml:18: this silence overlaps with the one at rules.yaml:14 from 2026-03-02T12:00Z until 2026-03-02T12:30Z; " +
    "what both match stays silent until 2026-03-02T13:00Z",
    "rules.yaml:22: this silence overlaps with the one at rules.yaml:18 from 2026-03-02T12:00Z until 2026-03-02T12:30Z; " +
    "what both match stays silent until 2026-03-02T20:00Z",
  ]);
});

Deno.test("a mute window goes by its zone, through midnight and through the change of clocks", () => {
  const night: MuteWindow = {
    name: "night",
    timeZone: "Europe/Berlin",
    weekdays: ["friday"],
    fromMinute: 22 * 60,
    toMinute: 6 * 60,
  };
  // Friday, 27 March 2026, 22:00 is 21:00 UTC; on Sunday the 29th clocks go forward.
  expect(isMuted([night], at("2026-03-27T20:59Z"))).toBe(false);
  expect(isMuted([night], at("2026-03-27T21:00Z"))).toBe(true);
  expect(isMuted([night], at("2026-03-28T04:59Z"))).toBe(true);
  expect(isMuted([night], at("2026-03-28T05:00Z"))).toBe(false);
  expect(isMuted([night], at("2026-03-28T21:30Z"))).toBe(false);
  expect(isMuted([night], at("2026-04-03T20:00Z"))).toBe(true);
});
