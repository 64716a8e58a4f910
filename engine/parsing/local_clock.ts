/** Wall-clock time of an IANA zone to instants, remembered by the hour: Temporal costs microseconds a call. */

const MINUTE_MICROS = 60_000_000;
const HOUR_MICROS = 60 * MINUTE_MICROS;
/** Hours remembered before starting over: half a year of logs. */
const HOURS_MAX = 4096;

export class LocalClock {
  readonly #timeZone: string;
  readonly #isUtc: boolean;
  /** Offset from UTC in microseconds by wall-clock hour, for hours in which it does not change. */
  readonly #offsets = new Map<number, number>();

  /** RangeError where the zone is unknown. */
  constructor(timeZone: string) {
    this.#timeZone = timeZone;
    this.#isUtc = /^(etc\/)?(utc|gmt|zulu|universal)$/i.test(timeZone);
    Temporal.Now.instant().toZonedDateTimeISO(timeZone);
  }

  /**
   * The instant (microseconds since 1970 UTC) at which the zone's clock shows `wallMicros` (the same, as if it were
   * UTC). A time that a clock change repeats is the earlier one; a time that it skips is counted on past the change
   * (Temporal's `compatible`, as in RFC 5545). The offset is taken at the full minute. NaN stays NaN.
   */
  toInstantMicros(wallMicros: number): number {
    if (this.#isUtc || Number.isNaN(wallMicros)) return wallMicros;
    const hour = Math.floor(wallMicros / HOUR_MICROS);
    let offset = this.#offsets.get(hour);
    if (offset === undefined) {
      const first = this.#offsetAt(hour * HOUR_MICROS);
      if (first !== this.#offsetAt((hour + 1) * HOUR_MICROS - MINUTE_MICROS)) {
        return wallMicros - this.#offsetAt(wallMicros);
      }
      if (this.#offsets.size >= HOURS_MAX) this.#offsets.clear();
      this.#offsets.set(hour, first);
      offset = first;
    }
    return wallMicros - offset;
  }

  #offsetAt(wallMicros: number): number {
    const wallMs = Math.floor(wallMicros / MINUTE_MICROS) * 60_000;
    const local = Temporal.Instant.fromEpochMilliseconds(wallMs).toZonedDateTimeISO("UTC").toPlainDateTime();
    const instant = local.toZonedDateTime(this.#timeZone, { disambiguation: "compatible" });
    return (wallMs - instant.epochMilliseconds) * 1000;
  }
}
