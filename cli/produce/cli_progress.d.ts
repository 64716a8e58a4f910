/** The part of cli-progress that is used; the package brings no types. */
export interface BarOptions {
  format: string;
  stream?: unknown;
  hideCursor?: boolean;
  clearOnComplete?: boolean;
  barsize?: number;
  fps?: number;
  etaBuffer?: number;
}

export class SingleBar {
  constructor(options: BarOptions, preset?: object);
  start(total: number, startValue: number, payload?: Record<string, string>): void;
  update(current: number, payload?: Record<string, string>): void;
  stop(): void;
}

declare const cliProgress: {
  readonly SingleBar: typeof SingleBar;
  readonly Presets: { readonly shades_classic: object };
};
export default cliProgress;
