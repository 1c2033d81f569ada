/**
 * Every failure a person can meet is one sentence: subject, what was found, what is allowed, what to
 * do. The `name` is the discriminator, because it is all that survives a worker door besides the
 * message and the stack.
 */
export type ErrorName =
  | "FormatError" // a file is not what it claims to be
  | "RecipeError" // the document cannot be understood or asks for something impossible
  | "PlanError" // recipe and models do not fit together
  | "FileError" // reading or writing failed
  | "HubError" // the Hub or the way to it: unreachable, not there, changed, too many requests
  | "AccessError" // the Hub wants a token, another token, or its terms accepted
  | "DeviceError" // the GPU or a lane gave up
  | "MergeError"; // anything else that stops a run

export class WeightloomError extends Error {
  constructor(name: ErrorName, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = name;
  }
}

/** Why a device did not yield a tile: gone, out of memory, unable to run this program, or caught computing wrongly. */
export type Trouble = "lost" | "memory" | "refused" | "wrong";

/** A DeviceError of which whoever gave out the work may make something else than the end. */
export class DeviceTrouble extends WeightloomError {
  constructor(
    readonly trouble: Trouble,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super("DeviceError", message, options);
  }
}

/** What a cancelled read, merge or write rejects with; the platform's own AbortError. */
export function abortError(reason = "Cancelled."): DOMException {
  return new DOMException(reason, "AbortError");
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Throws the platform's AbortError when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError();
}

/** The system's code of what went wrong, as Node tells it ("ENOSPC"); empty where there is none. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** The message of anything thrown, for embedding in a sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
