/**
 * A link is the page's address and, behind the #, the title and the recipe: JSON, deflated, in base64url. Browsers do
 * not send what stands behind the #, so the recipe goes from person to person and to no server.
 */
import { messageOf, WeightloomError } from "../../core/errors.ts";

export interface Shared {
  readonly title: string;
  /** YAML. */
  readonly text: string;
}

const KEY = "recipe=";
/** Characters behind the #. Longer addresses are cut by mail and chat programs. */
const LONGEST = 64_000;
/** Bytes that a fragment may grow to when it is inflated. */
const LARGEST = 1_000_000;

/** Whether a fragment claims to be a recipe. */
export const isShared = (fragment: string): boolean => fragment.replace(/^#/, "").startsWith(KEY);

/** Rejects with a RecipeError when the recipe is too long for a link. */
export async function fragmentOf(shared: Shared): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify({ v: 1, title: shared.title, recipe: shared.text }));
  const packed = await through(bytes, new CompressionStream("deflate-raw"), Number.POSITIVE_INFINITY);
  const fragment = `#${KEY}${toBase64(packed)}`;
  if (fragment.length > LONGEST) {
    throw new WeightloomError(
      "RecipeError",
      `The recipe would make a link of ${fragment.length.toLocaleString("en")} characters; programs cut links above ${LONGEST.toLocaleString("en")}. Download the recipe and send the file.`,
    );
  }
  return fragment;
}

/** Reads a fragment that anybody may have made. Rejects with a RecipeError that says what is wrong with it. */
export async function readFragment(fragment: string): Promise<Shared> {
  const packed = fragment.replace(/^#/, "").slice(KEY.length);
  if (packed.length > LONGEST)
    throw wrong(
      `has ${packed.length.toLocaleString("en")} characters; one of ours has at most ${LONGEST.toLocaleString("en")}`,
    );
  if (packed === "") throw wrong("holds no recipe");
  if (!/^[\w-]+$/.test(packed)) throw wrong("holds characters that no link of ours has");
  let json: unknown;
  try {
    const bytes = await through(fromBase64(packed), new DecompressionStream("deflate-raw"), LARGEST);
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof WeightloomError) throw error;
    throw wrong(`cannot be read (${messageOf(error)})`);
  }
  const { v, title, recipe } = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
  if (v !== 1)
    throw wrong(v === undefined ? "holds no recipe" : `is of a newer kind (${String(v)}); this page knows 1`);
  if (typeof recipe !== "string" || typeof title !== "string") throw wrong("holds no recipe");
  return { title: title.trim().slice(0, 200) || "Shared mix", text: recipe };
}

const wrong = (what: string) =>
  new WeightloomError(
    "RecipeError",
    `The link ${what}. It was probably cut on its way: ask for it again, or for the recipe as a file. Nothing was changed.`,
  );

/** All of a stream's output, or a refusal as soon as there is more than `most`. */
async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough<Uint8Array>(stream).getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw wrong(`unpacks to more than ${most.toLocaleString("en")} bytes, which no recipe has`);
    }
    parts.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
}
