/**
 * A WebAssembly module with one function, written byte by byte (WebAssembly core specification 2.0, chapter 5). Enough of
 * it for straight loops over memory: no tables, no data, no globals.
 */

/** Types of values. */
export const I32 = 0x7f;
export const V128 = 0x7b;

/** A function of i32 parameters and no result that the module calls: one that the kernels export. */
export interface Import {
  readonly name: string;
  readonly parameters: number;
}

export interface Body {
  /** Number of a fresh local variable. */
  local(type: typeof I32 | typeof V128): number;
  /** Instructions as they are. */
  put(...bytes: readonly number[]): void;
  get(local: number): void;
  set(local: number): void;
  tee(local: number): void;
  i32(value: number): void;
  /** An instruction of the SIMD group; lane numbers and the like follow as they are. */
  simd(instruction: number, ...immediates: readonly number[]): void;
  /** A plain access to memory at the address on the stack plus `offset`. */
  access(instruction: number, offset?: number): void;
  /** The same with a SIMD access. */
  simdAccess(instruction: number, offset?: number): void;
  call(imported: number): void;
  /** Runs `body` while the i32 it leaves on the stack is not 0. */
  repeat(body: () => void): void;
  /** Runs the first if the i32 on the stack is not 0, else the second. */
  branch(then: () => void, otherwise?: () => void): void;
}

export const i32 = {
  load: 0x28,
  loadByte: 0x2d,
  storeByte: 0x3a,
  add: 0x6a,
  sub: 0x6b,
  and: 0x71,
  shl: 0x74,
  shrU: 0x76,
  or: 0x72,
  eq: 0x46,
  eqz: 0x45,
  ltS: 0x48,
  ltU: 0x49,
  gtS: 0x4a,
  geS: 0x4e,
  select: 0x1b,
} as const;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (; rest < -0x40 || rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest & 0x7f];
}

// Joined with concat: spread into a literal, a function's bytes would pass through the interpreter one by one.
const join = (parts: readonly (readonly number[])[]): number[] => ([] as number[]).concat(...parts);
const counted = (bytes: readonly number[]) => join([unsigned(bytes.length), bytes]);
const vector = (entries: readonly (readonly number[])[]) => join([unsigned(entries.length), ...entries]);
const section = (id: number, entries: readonly (readonly number[])[]) => join([[id], counted(vector(entries))]);
const text = (string: string) => counted([...new TextEncoder().encode(string)]);
const functionType = (parameters: number) => [0x60, ...vector(Array.from({ length: parameters }, () => [I32])), 0];

/** A way to write into `code`, with local variables counted in `locals` after the parameters. */
function bodyOf(code: number[], locals: number[], parameters: number): Body {
  const put = (...bytes: readonly number[]): void => void code.push(...bytes);
  const aligned = (offset: number) => [0, ...unsigned(offset)];
  return {
    local: (type) => parameters + locals.push(type) - 1,
    put,
    get: (local) => put(0x20, ...unsigned(local)),
    set: (local) => put(0x21, ...unsigned(local)),
    tee: (local) => put(0x22, ...unsigned(local)),
    i32: (value) => put(0x41, ...signed(value)),
    simd: (instruction, ...immediates) => put(0xfd, ...unsigned(instruction), ...immediates),
    access: (instruction, offset = 0) => put(instruction, ...aligned(offset)),
    simdAccess: (instruction, offset = 0) => put(0xfd, ...unsigned(instruction), ...aligned(offset)),
    call: (imported) => put(0x10, ...unsigned(imported)),
    repeat: (body) => {
      put(0x03, 0x40);
      body();
      put(0x0d, 0, 0x0b);
    },
    branch: (then, otherwise) => {
      put(0x04, 0x40);
      then();
      if (otherwise !== undefined) {
        put(0x05);
        otherwise();
      }
      put(0x0b);
    },
  };
}

/**
 * @param imports what the function may call, by position
 * @param parameters how many i32 it takes; they are the first local variables
 * @param write gets two ways to write: what `begin` writes runs before what `body` writes
 * @param shared threads share the memory
 * @returns a module that imports `kernels.memory` and exports `run`
 */
export function moduleOf(
  imports: readonly Import[],
  parameters: number,
  write: (body: Body, begin: Body) => void,
  shared: boolean,
): Uint8Array<ArrayBuffer> {
  const locals: number[] = [];
  const [first, rest]: [number[], number[]] = [[], []];
  write(bodyOf(rest, locals, parameters), bodyOf(first, locals, parameters));
  const types = [...imports.map((one) => one.parameters), parameters];
  const limits = shared ? [3, ...unsigned(1), ...unsigned(65536)] : [0, 0];
  const memory = [...text("kernels"), ...text("memory"), 2, ...limits];
  const called = imports.map(({ name }, type) => join([text("kernels"), text(name), [0], unsigned(type)]));
  const declared = vector(locals.map((type) => [1, type]));
  return new Uint8Array(
    join([
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, types.map(functionType)),
      section(2, [...called, memory]),
      section(3, [unsigned(imports.length)]),
      section(7, [join([text("run"), [0], unsigned(imports.length)])]),
      section(10, [counted(join([declared, first, rest, [0x0b]]))]),
    ]),
  );
}
