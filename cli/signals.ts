/** Ctrl-C and SIGTERM: the first asks to stop in order, the next ends the process at once. */

const ENDED_BY_USER_STATUS = 130;
/** One Ctrl-C arrives several times: from the terminal, and again from each of `deno task` and `npx` that pass it on. */
const ECHO_MS = 1_000;

export interface StopSignal {
  /** Resolves with the signal's name when the first comes. */
  readonly stopped: Promise<Deno.Signal>;
  /** Lets signals end the process again. */
  release(): void;
}

/** Listens from now on. `onSecond` runs just before the process ends for a second signal. */
export function listenForStop(onSecond: () => void = () => {}): StopSignal {
  const { promise, resolve } = Promise.withResolvers<Deno.Signal>();
  const decide = stopDecision();
  // Windows knows no SIGTERM.
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const handlers = signals.map((signal) => {
    const handler = (): void => {
      const decision = decide(performance.now());
      if (decision === "stop") resolve(signal);
      if (decision !== "end") return;
      onSecond();
      Deno.exit(ENDED_BY_USER_STATUS);
    };
    Deno.addSignalListener(signal, handler);
    return { signal, handler };
  });
  return {
    stopped: promise,
    release: () => handlers.forEach(({ signal, handler }) => Deno.removeSignalListener(signal, handler)),
  };
}

/** What a signal at `nowMs` means, given those before it: stop in order, nothing (an echo of the first), or end at once. */
export function stopDecision(): (nowMs: number) => "stop" | "ignore" | "end" {
  let firstMs: number | null = null;
  return (nowMs) => {
    if (firstMs === null) {
      firstMs = nowMs;
      return "stop";
    }
    return nowMs - firstMs < ECHO_MS ? "ignore" : "end";
  };
}
