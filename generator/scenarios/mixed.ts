/**
 * All kinds of records in one topic, in JSON, as programs of several writers send them to one place: application logs
 * and payments as they are, and the access log as nginx writes it with a log_format of JSON.
 */
import { defineScenario } from "../record_writer.ts";
import { access, jsonAccessScene } from "./access.ts";
import { api } from "./api.ts";
import { payment } from "./payment.ts";
import type { Scenario, ScenarioParts, Scene } from "./scenario.ts";

const PARTS: readonly (Pick<ScenarioParts, "share" | "targets" | "open">)[] = [
  api,
  { share: access.share, targets: access.targets, open: jsonAccessScene },
  payment,
];

/** Which part a target is of, and which of its targets. */
const PLACES = PARTS.flatMap(({ targets }, part) => targets.map((_, target) => ({ part, target })));

function open(seed: number, messages: ReadonlyMap<number, string>): Scene {
  const scenes = PARTS.map((part) => part.open(seed, messages, null));
  let current = scenes[0];
  return {
    draw(random, number, influence, event) {
      const { part, target } = PLACES[number];
      current = scenes[part];
      current.draw(random, target, influence, event);
    },
    write: (random, out, at) => current.write(random, out, at),
  };
}

export const mixed: Scenario = defineScenario({
  name: "mixed",
  description: "application logs, accesses and payments in one topic, all in JSON",
  topic: "mixed-logs",
  share: 1,
  salt: 0x6d6978,
  targets: PARTS.flatMap(({ share, targets }) => {
    const total = targets.reduce((sum, { weight }) => sum + weight, 0);
    return targets.map((target) => ({ ...target, weight: share * target.weight / total }));
  }),
  open,
});
