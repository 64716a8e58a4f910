/** Ctrl-C and SIGTERM: the first asks to stop in order, the second ends the process at once. */

const ENDED_BY_USER_STATUS = 130;

export interface StopSignal {
  /** Resolves with the signal's name when the first comes. */
  readonly stopped: Promise<string>;
  /** Lets signals end the process again. */
  release(): void;
}

/** Listens from now on. `onSecond` runs just before the process ends for a second signal. */
export function listenForStop(onSecond: () => void = () => {}): StopSignal {
  const { promise, resolve } = Promise.withResolvers<string>();
  let isAsked = false;
  // Windows knows no SIGTERM.
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const handlers = signals.map((signal) => {
    const handler = (): void => {
      if (isAsked) {
        onSecond();
        Deno.exit(ENDED_BY_USER_STATUS);
      }
      isAsked = true;
      resolve(signal);
    };
    Deno.addSignalListener(signal, handler);
    return { signal, handler };
  });
  return {
    stopped: promise,
    release: () => handlers.forEach(({ signal, handler }) => Deno.removeSignalListener(signal, handler)),
  };
}
