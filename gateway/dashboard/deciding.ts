/** A decision under way: what went wrong with it, and whether it is still to be answered. */
import { type ComponentChildren, h } from "preact";
import { useState } from "preact/hooks";
import { wordsOf } from "./api.ts";

/** Takes a decision, and says so; throws an Error in words. */
export type Decide<Decision> = (decision: Decision, said: string) => Promise<void>;

export interface Deciding<Decision> {
  /** Answers whether it was taken. */
  readonly run: (decision: Decision, said: string) => Promise<boolean>;
  readonly isBusy: boolean;
  /** What is shown where it was not taken. */
  readonly problem: ComponentChildren;
}

export function useDeciding<Decision>(decide: Decide<Decision>): Deciding<Decision> {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const run = async (decision: Decision, said: string) => {
    setBusy(true);
    setProblem(""); // what went wrong before says nothing of this one, which may be seen to be taken before it is answered
    try {
      await decide(decision, said);
      return true;
    } catch (error) {
      setProblem(wordsOf(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { run, isBusy, problem: problem !== "" && h("p", { role: "alert" }, problem) };
}
