/**
 * An engine runs one program over one tile. That is all it does: what to read, when, in which
 * order, and what the sums mean is decided by the plan and the run.
 */
import type { FloatDtype, OutputDtype } from "../bytes/dtype.ts";
import type { Clock } from "../clock.ts";
import type { Program } from "../graph/program.ts";
import type { Search } from "../graph/search.ts";

export interface TileJob {
  readonly program: Program;
  /** Of each of the program's inputs. */
  readonly dtypes: readonly FloatDtype[];
  /** How to encode the program's output, if it has one. */
  readonly encode: OutputDtype;
  /** The uniforms: f32 bits, u32 or i32 as the operation says. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** One per table of the program, `entriesOf` long. */
  readonly tables: readonly Float32Array<ArrayBuffer>[];
  /** Name of the tensor, for sentences. */
  readonly tensor?: string | undefined;
  /** First element of the tile in its tensor; a multiple of BLOCK. Below 2^32. */
  readonly first: number;
  /** Elements in the tile. */
  readonly count: number;
  /** The elements' bytes, one array per program input. The engine owns them until it returns them. */
  readonly inputs: readonly Uint8Array<ArrayBuffer>[];
  /** The tile's planes of kept values: f32, or masks of one bit per element, the lowest bit of a byte first. */
  readonly kept?: readonly Uint8Array<ArrayBuffer>[] | undefined;
  /** Memory that may be used for the output, large enough for it. */
  readonly into?: Uint8Array<ArrayBuffer> | undefined;
  /** Memory that may be used for the histograms, one after another, large enough for all. */
  readonly bins?: Uint8Array<ArrayBuffer> | undefined;
  /** Told how long the parts of the work took. */
  readonly clock?: Clock | undefined;
}

export interface TileResult {
  /** Encoded output, count * bytesPer(encode) long; null when the program has no output. */
  readonly output: Uint8Array<ArrayBuffer> | null;
  /** sums[s * blocks + b]: partial of sum s over block b of the tile. */
  readonly sums: Float64Array<ArrayBuffer>;
  /** One array of counts per histogram of the program. */
  readonly histograms: readonly Uint32Array<ArrayBuffer>[];
  /** One array of partials per reduction of the program: per segment, or per column residue. */
  readonly reductions: readonly Float64Array<ArrayBuffer>[];
  /** The same bytes as the job's inputs, handed back (perhaps in other views or buffers). */
  readonly inputs: readonly Uint8Array<ArrayBuffer>[];
  /** The job's planes, with what the program keeps; absent where there are none. */
  readonly kept?: readonly Uint8Array<ArrayBuffer>[] | undefined;
  /** Whether some watched value may be NaN or infinite; where false, none is. */
  readonly unsound: boolean;
  /** Of the bytes that the program digests, as in core/bytes/checksum.ts; absent from engines that leave it to the host. */
  readonly checksum?: Uint32Array<ArrayBuffer> | undefined;
  /** Milliseconds the engine worked on it, waiting left out; absent where it cannot tell. */
  readonly spent?: number;
}

/** Memory of an engine that this thread can read and write too. */
export interface TileMemory {
  /** At least so many bytes, with room behind that loops may write; undefined when there is no more. */
  take(bytes: number): Uint8Array<ArrayBuffer> | undefined;
  /** Takes back, whole, what nobody looks at any more, for whoever asks next. It is never let go of. */
  give(bytes: Uint8Array<ArrayBuffer>): void;
}

/** What an engine that looks after itself has to say of one run. */
export interface Watch {
  /** Tiles that a second engine computed too, and agreed. */
  readonly checked: number;
  /** No more of this run. */
  end(): void;
}

/** What an engine does in the calling thread, at once: of little work, a message there and back is most. */
export interface Beside {
  /** Inputs stay the caller's. Throws a DeviceError when it cannot. */
  run(job: TileJob): TileResult;
  readonly search: Search;
}

export interface Engine {
  readonly kind: "cpu" | "gpu";
  /** For the badge: "CPU, 2 lanes" or the adapter's name. */
  readonly name: string;
  /** How many tiles it can work on at once; the run keeps a few more in flight. */
  readonly lanes: number;
  /** Upper bound for the sum of a tile's input bytes and for its output. */
  readonly maxTileBytes: number;
  /** Whether programs may keep values for later sweeps; where not, making them again is cheaper than moving them. */
  readonly keeps: boolean;
  /** Where tiles should lie, if there is such a place: the engine then works on them without moving them. */
  readonly memory: TileMemory | null;
  readonly beside?: Beside;
  /** Rejects with a DeviceError when the device is lost or fails (DeviceTrouble where another device may help), or with AbortError. */
  run(job: TileJob, signal?: AbortSignal): Promise<TileResult>;
  /** Begins a run. Engines that help themselves when a device fails say so in sentences, as it happens. */
  watch?(say: (sentence: string) => void): Watch;
  /** Leaves a core to others as long as it is eased, where it has several. */
  ease?(isEased: boolean): void;
  close(): Promise<void>;
}
