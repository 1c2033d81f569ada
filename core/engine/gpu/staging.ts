/**
 * The buffers of one tile in flight. A tile goes upload -> inputs -> kernels -> output, sums, bins,
 * partials -> readback; each lane owns one such set and reuses it, because making staging buffers afresh costs
 * several times the copy. A buffer only ever grows, and never past what the largest tile needs.
 */
import type { Device } from "./device.ts";

export interface Lane {
  /** Makes every buffer at least this large, in bytes; true when any had to be made anew. */
  prepare(sizes: Sizes): boolean;
  /** A buffer that was prepared. */
  buffer(role: Role): GPUBuffer;
  /** Resolves when the upload buffer's bytes may be written. */
  mapped(): Promise<GPUBuffer>;
  /** Two timestamps; only where the device has them. */
  queries(): GPUQuerySet;
  /** Asks for the upload buffer back once the commands before have run. */
  recycle(): void;
  /** Lets go of every buffer; the next tile makes new ones. */
  clear(): void;
}

export type Sizes = Readonly<Partial<Record<Role, number>>>;
const ROLES = [
  "params",
  "inputs",
  "keys",
  "output",
  "sums",
  "bins",
  "scratch",
  "partials",
  "flaw",
  "times",
  "readback",
  "upload",
] as const;
export type Role = (typeof ROLES)[number];

/** Most a tile's own bytes may be, in or out; far below every limit WebGPU guarantees. */
export const MAX_TILE_BYTES = 64 * 2 ** 20;

/** Lets several tiles be in flight, one per lane, first come first served. */
export interface Ring {
  take(): Promise<Lane>;
  give(lane: Lane): void;
  destroy(): void;
}

export function createRing(device: Device, depth: number): Ring {
  const lanes = Array.from({ length: depth }, () => createLane(device));
  const free = [...lanes];
  const waiting: ((lane: Lane) => void)[] = [];
  return {
    take: async () => {
      const lane = free.pop();
      return lane ?? new Promise<Lane>((resolve) => waiting.push(resolve));
    },
    give: (lane) => {
      const next = waiting.shift();
      if (next === undefined) free.push(lane);
      else next(lane);
    },
    destroy: () => {
      for (const lane of lanes) lane.clear();
    },
  };
}

function createLane(device: Device): Lane {
  const held = new Map<Role, GPUBuffer>();
  let ready: Promise<undefined> | null = null;
  let times: GPUQuerySet | null = null;

  const buffer = (role: Role): GPUBuffer => {
    const found = held.get(role);
    if (found === undefined) throw new RangeError(`No ${role} buffer was prepared.`);
    return found;
  };

  const grow = (role: Role, bytes: number): boolean => {
    const old = held.get(role);
    if ((old?.size ?? 0) >= bytes) return false;
    old?.destroy();
    if (role === "upload") ready = null;
    held.set(role, device.gpu.createBuffer({ label: role, size: rounded(bytes), usage: usageOf(role) }));
    return true;
  };

  return {
    prepare: (sizes) => ROLES.filter((role) => grow(role, sizes[role] ?? 0)).length > 0,
    buffer,
    mapped: async () => {
      const upload = buffer("upload");
      ready ??= upload.mapAsync(GPUMapMode.WRITE);
      await ready;
      return upload;
    },
    queries: () => {
      times ??= device.gpu.createQuerySet({ type: "timestamp", count: 2 });
      return times;
    },
    recycle: () => {
      ready = buffer("upload").mapAsync(GPUMapMode.WRITE);
      ready.catch(() => {}); // Heard at the next tile, if there is one.
    },
    clear: () => {
      for (const one of held.values()) one.destroy();
      held.clear();
      ready = null;
      times?.destroy();
      times = null;
    },
  };
}

/** In steps of an eighth of a power of two, so a slowly growing tile is not a new buffer each time. */
function rounded(bytes: number): number {
  const step = Math.max(256, 2 ** (Math.ceil(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}

function usageOf(role: Role): GPUBufferUsageFlags {
  switch (role) {
    case "upload":
      return GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC;
    case "readback":
      return GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    case "params":
      return GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    case "inputs":
      return GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    case "times":
      return GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    case "keys":
    case "output":
    case "sums":
    case "bins":
    case "scratch":
    case "partials":
    case "flaw":
      return GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    default:
      return role satisfies never;
  }
}
