/** The dimension values of one partition as small integers, with what follows from a value alone: error or not. */
import { OTHER, SLOT, UNPARSED } from "../../core/minutes/fields.ts";
import type { EventFields } from "../../core/minutes/fields.ts";
import type { Preset } from "../../core/minutes/preset.ts";
import { normalizeEndpoint } from "../parsing/endpoint.ts";
import { EMPTY_ID, Interner } from "./interner.ts";

const UNKNOWN = 0;
const NO_ERROR = 1;
const ERROR = 2;
/** Distinct raw endpoints remembered with their normal form; beyond, the memory starts anew. */
const RAW_ENDPOINTS_MAX = 65_536;
const NO_PREDICATE = () => false;

const encoder = new TextEncoder();

/** One dimension: its values, their ids, and whether a value makes an event an error. */
class DimensionIds {
  readonly interner = new Interner();
  readonly otherId: number;
  #errorFlags = new Uint8Array(256);

  constructor(readonly slot: number, readonly cap: number, readonly isError: (value: string) => boolean) {
    this.otherId = this.idOf(OTHER);
  }

  idOf(value: string): number {
    const bytes = encoder.encode(value);
    return this.interner.intern(bytes, 0, bytes.length);
  }

  /** The id of the record's value. */
  read(fields: EventFields): number {
    const start = fields.starts[this.slot];
    return start < 0 ? EMPTY_ID : this.interner.intern(fields.bytes, start, fields.ends[this.slot]);
  }

  marksError(id: number): boolean {
    const flag = id < this.#errorFlags.length ? this.#errorFlags[id] : UNKNOWN;
    return flag === UNKNOWN ? this.#judge(id) : flag === ERROR;
  }

  #judge(id: number): boolean {
    if (id >= this.#errorFlags.length) {
      const flags = new Uint8Array(Math.max(id + 1, this.#errorFlags.length * 2));
      flags.set(this.#errorFlags);
      this.#errorFlags = flags;
    }
    const isError = this.isError(this.interner.text(id));
    this.#errorFlags[id] = isError ? ERROR : NO_ERROR;
    return isError;
  }
}

/** Endpoints are counted in their normal form (`/orders/:id`): each raw form is normalised once, then remembered. */
class EndpointIds extends DimensionIds {
  #raw = new Interner();
  #normalIds = new Int32Array(1024);
  #scratch = new Uint8Array(1024);

  override read(fields: EventFields): number {
    const start = fields.starts[this.slot];
    if (start < 0) return EMPTY_ID;
    const end = fields.ends[this.slot];
    const known = this.#raw.size;
    const rawId = this.#raw.intern(fields.bytes, start, end);
    return rawId < known ? this.#normalIds[rawId] : this.#learn(rawId, fields.bytes, start, end);
  }

  #learn(rawId: number, bytes: Uint8Array, start: number, end: number): number {
    const needed = (end - start) * 4 + 16; // a segment of one byte may become ":id"
    if (this.#scratch.length < needed) this.#scratch = new Uint8Array(needed);
    const length = normalizeEndpoint(bytes, start, end, this.#scratch);
    const id = this.interner.intern(this.#scratch, 0, length);
    if (rawId >= RAW_ENDPOINTS_MAX) {
      this.#raw = new Interner();
      return id;
    }
    if (rawId >= this.#normalIds.length) {
      const ids = new Int32Array(this.#normalIds.length * 2);
      ids.set(this.#normalIds);
      this.#normalIds = ids;
    }
    this.#normalIds[rawId] = id;
    return id;
  }
}

/** All dimensions of a preset for one partition. */
export class PresetDimensionIds {
  readonly columns: readonly DimensionIds[];
  /** The ids of an unparsed record: level UNPARSED, everything else empty. */
  readonly unparsedIds: Int32Array;

  constructor(readonly preset: Preset) {
    this.columns = preset.dimensions.map(({ name, cap }) =>
      new (name === "endpoint" ? EndpointIds : DimensionIds)(SLOT[name], cap, preset.errors[name] ?? NO_PREDICATE)
    );
    this.unparsedIds = Int32Array.from(
      preset.dimensions.map(({ name }, i) => name === "level" ? this.columns[i].idOf(UNPARSED) : EMPTY_ID),
    );
  }

  /** Distinct values held: what bounds memory. */
  get size(): number {
    return this.columns.reduce((sum, column) => sum + column.interner.size, 0);
  }
}

/**
 * The values that one unit keeps apart: the first `cap` of each dimension by offset. The set before our tenure is what
 * the store's rows hold, so that the outcome does not depend on crashes.
 */
export class UnitCaps {
  readonly #admitted: Uint8Array[];
  readonly #counts: number[];

  constructor(readonly ids: PresetDimensionIds, stored: Readonly<Record<string, readonly string[] | undefined>>) {
    this.#admitted = ids.columns.map(() => new Uint8Array(256));
    this.#counts = ids.columns.map(() => 0);
    ids.preset.dimensions.forEach(({ name }, i) => {
      for (const value of stored[name] ?? []) {
        if (value !== OTHER && value !== "") this.#admit(i, ids.columns[i].idOf(value));
      }
    });
  }

  /** Replaces the values beyond their cap by `__other__`, in place. */
  apply(cellIds: Int32Array): void {
    for (let i = 0; i < this.#counts.length; i++) {
      const id = cellIds[i];
      if (id === EMPTY_ID || (id < this.#admitted[i].length && this.#admitted[i][id] === 1)) continue;
      const column = this.ids.columns[i];
      if (id === this.ids.unparsedIds[i]) continue;
      if (this.#counts[i] < column.cap) this.#admit(i, id);
      else cellIds[i] = column.otherId;
    }
  }

  #admit(dimension: number, id: number): void {
    if (id >= this.#admitted[dimension].length) {
      const admitted = new Uint8Array(Math.max(id + 1, this.#admitted[dimension].length * 2));
      admitted.set(this.#admitted[dimension]);
      this.#admitted[dimension] = admitted;
    }
    if (this.#admitted[dimension][id] === 1) return;
    this.#admitted[dimension][id] = 1;
    this.#counts[dimension]++;
  }
}
