/**
 * The numbers of the interpreter's instructions. Read by two compilers: TypeScript for assemble.ts
 * and AssemblyScript for kernels/assembly/interpret.ts, so it holds plain integers and nothing else.
 */

/** 32-bit fields of an instruction: opcode, d, a, a's step, b, b's step, c, c's step. */
export const INSTRUCTION_BYTES = 32;
/** Elements per turn of every loop; registers and staging areas are rounded up to it. */
export const CHUNK = 16;

export const DECODE_F64 = 1;
export const DECODE_F32 = 2;
export const DECODE_F16 = 3;
export const DECODE_BF16 = 4;
export const DECODE_F8_E4M3 = 5;
export const DECODE_F8_E5M2 = 6;

export const ENCODE_F32 = 7;
export const ENCODE_F16 = 8;
export const ENCODE_BF16 = 9;

export const NEG = 10;
export const ABS = 11;
export const SIGN = 12;
export const SQRT = 13;

export const ADD = 14;
export const SUB = 15;
export const MUL = 16;
export const DIV = 17;
export const MIN = 18;
export const MAX = 19;
export const LT = 20;
export const LE = 21;
export const GT = 22;
export const GE = 23;
export const EQ = 24;
export const NE = 25;

export const WHERE = 26;
/** a * b + c, rounded twice. */
export const MUL_ADD = 27;
/** A stored BF16 number, decoded, less b. */
export const SUB_BF16 = 42;
/** a times 1 or 0, as TOP of a says. */
export const KEEP = 43;
export const RANDOM = 28;
export const TOP = 29;
export const TIED = 30;
export const SUM = 31;
export const HISTOGRAM_HIGH = 32;
export const HISTOGRAM_LOW = 33;
export const EXP = 34;
export const LOG = 35;

/** b of these is the number of columns. */
export const ALONG_ROWS = 36;
export const ALONG_COLUMNS = 37;
export const ROW_SUMS = 38;
export const ROW_MAXIMA = 39;
export const COLUMN_SUMS = 40;
export const COLUMN_MAXIMA = 41;
