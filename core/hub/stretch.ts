/**
 * Bytes of one file of the Hub, into memory, whatever happens on the way. The address of the file, pinned to a commit,
 * redirects to a signed address elsewhere; that one is remembered and asked directly until it has expired. Every answer is
 * checked: status, the range it says it is, its length, and that the file is still the one it was. A body that ends early
 * is continued where it ended.
 */
import { abortError, messageOf, WeightloomError } from "../errors.ts";
import { refusalOf } from "./refusal.ts";
import type { Wire } from "./wire.ts";

/** A file of a repository at a commit. */
export interface RemoteFile {
  readonly repo: string;
  readonly commit: string;
  readonly path: string;
  readonly size: number;
  /** A name of its content that no other content has, letters, digits and dashes; null when the Hub gave none. */
  readonly content: string | null;
}

export interface Fetching {
  readonly signal?: AbortSignal | undefined;
  /** Hears how many bytes of `out` are there. */
  readonly onBytes?: ((filled: number) => void) | undefined;
}

/** Fills `out` with the file's bytes from `start` on. */
export type Fill = (out: Uint8Array, start: number, fetching?: Fetching) => Promise<void>;

/** A file this short is taken whole from a server that does not know ranges. */
const WHOLE = 16 * 1024 * 1024;
/** Signed addresses in a row that are refused. */
const RENEWALS = 4;

const num = (value: number) => value.toLocaleString("en");
const originOf = (url: string) => new URL(url).origin;

/** A wrong answer. A second one may be right, so it is waited out like a lost connection. */
class Odd extends Error {}

/** What one request came to: bytes that arrived, and why there are no more. */
interface Outcome {
  readonly got: number;
  /** "expired": the signed address is refused, a new one is needed. */
  readonly end: "complete" | "expired" | Error;
}

export function addressOf(endpoint: string, { repo, commit, path }: RemoteFile): string {
  return `${endpoint}/${repo}/resolve/${encodeURIComponent(commit)}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** @param onDownload hears of bytes as they arrive */
export function createFill(wire: Wire, file: RemoteFile, onDownload: (bytes: number) => void = () => {}): Fill {
  const address = addressOf(wire.endpoint, file);
  const name = `${file.path.slice(file.path.lastIndexOf("/") + 1)} of ${file.repo}`;
  /** Where the bytes are, while it lasts; null before the first answer, or when the Hub itself has them. */
  let signed: string | null = null;
  /** The first request learns where to ask; the others wait until it has. */
  let finding: Promise<unknown> | null = null;
  /** Of each origin, which name its own. */
  const etags = new Map<string, string>();

  const changed = (what: string) =>
    new WeightloomError(
      "HubError",
      `${name} is not the file it was: ${what}. It was opened at commit ${file.commit.slice(0, 12)}: open the model again.`,
    );

  async function ask(headers: Record<string, string>, signal: AbortSignal) {
    while (finding !== null) await finding;
    const target = signed ?? address;
    const answer = wire.ask(target, { headers, cache: "no-store" }, { signal });
    if (signed !== null) return { response: await answer, target };
    const found = answer.then(
      (response) => {
        if (response.ok && response.url !== "" && !wire.isHub(response.url)) signed = response.url;
      },
      () => {},
    );
    finding = found.finally(() => {
      finding = null;
    });
    await finding;
    return { response: await answer, target };
  }

  /** Refuses answers that are final; says "expired" of those that ask for a new address. */
  async function accept(response: Response, target: string): Promise<"ok" | "expired"> {
    if (response.ok) return "ok";
    const { status, headers } = response;
    if (status === 416) throw changed(`it has no longer ${num(file.size)} bytes`);
    const elsewhere = !wire.isHub(response.url === "" ? target : response.url);
    if (elsewhere) {
      if (signed === target) signed = null;
      await response.body?.cancel().catch(() => {});
      return "expired";
    }
    const body = await response.arrayBuffer().catch(() => new ArrayBuffer(0));
    if (headers.get("x-error-code") === "RevisionNotFound") throw changed("the Hub no longer has that commit");
    const about = { repo: file.repo, revision: file.commit, file: file.path };
    throw refusalOf(about, response, body, { endpoint: wire.endpoint, signedIn: wire.token() !== null });
  }

  /** Checks what the headers claim; returns the file's offset of the first byte of the body. */
  function placeOf({ status, headers, url }: Response, target: string, start: number, length: number): number {
    const origin = originOf(url === "" ? target : url);
    const etag = headers.get("etag");
    const before = etags.get(origin);
    if (etag !== null && before !== undefined && before !== etag)
      throw changed(`its etag was ${before.slice(0, 80)} and is ${etag.slice(0, 80)}`);
    if (etag !== null) etags.set(origin, etag);
    const commit = headers.get("x-repo-commit");
    if (commit !== null && commit !== file.commit) throw changed(`the Hub sends commit ${commit.slice(0, 12)}`);
    if (status === 200) {
      if (length < file.size && file.size > WHOLE)
        throw new Odd(`the whole file instead of bytes ${num(start)} to ${num(start + length)}`);
      return 0;
    }
    if (status !== 206) throw new Odd(`status ${status}`);
    // Not every host lets a page read this header; the number of bytes is checked in any case.
    const range = headers.get("content-range");
    if (range === null) return start;
    const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range.trim()) ?? [];
    if (first === undefined || last === undefined) throw new Odd(`the range "${range.slice(0, 80)}"`);
    if (total !== undefined && total !== "*" && Number(total) !== file.size)
      throw changed(`it had ${num(file.size)} bytes and has ${num(Number(total))}`);
    if (Number(first) !== start || Number(last) >= start + length)
      throw new Odd(
        `bytes ${num(Number(first))} to ${num(Number(last) + 1)} instead of ${num(start)} to ${num(start + length)}`,
      );
    return start;
  }

  async function once(out: Uint8Array, start: number, { signal, onBytes }: Fetching): Promise<Outcome> {
    // A signal of its own, so that nothing of this request stays behind on one that lives as long as a run.
    const own = new AbortController();
    const stop = () => own.abort(signal?.reason ?? abortError());
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
    let got = 0;
    try {
      const all = out.length === file.size;
      const range = { Range: `bytes=${start}-${start + out.length - 1}` };
      const { response, target } = await ask(all && file.size <= WHOLE ? {} : range, own.signal);
      if ((await accept(response, target)) === "expired") return { got, end: "expired" };
      let at = placeOf(response, target, start, out.length);
      const whole = response.status === 200;
      for await (const chunk of chunksOf(response, wire.patience.stall, own)) {
        const from = Math.max(0, start - at);
        const wanted = chunk.subarray(from, Math.max(from, start + out.length - at));
        if (!whole && wanted.length < chunk.length) {
          got = 0;
          throw new Odd(`more than the ${num(out.length)} bytes asked for`);
        }
        out.set(wanted, got);
        got += wanted.length;
        at += chunk.length;
        onDownload(chunk.length);
        onBytes?.(got);
      }
      if (whole && got === out.length && at !== file.size)
        throw changed(`it had ${num(file.size)} bytes and has ${num(at)}`);
      return {
        got,
        end: got === out.length ? "complete" : new Odd(`it ended after ${num(got)} of ${num(out.length)} bytes`),
      };
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason ?? abortError();
      if (error instanceof WeightloomError) throw error;
      return { got, end: error instanceof Error ? error : new Error(String(error)) };
    } finally {
      signal?.removeEventListener("abort", stop);
      // What is left of a body is not waited for.
      own.abort();
    }
  }

  return async (out, start, { signal, onBytes } = {}) => {
    let failures = 0;
    let renewals = 0;
    for (let at = 0; at < out.length; ) {
      const before = at;
      const { got, end } = await once(out.subarray(at), start + at, {
        signal,
        onBytes: (more) => onBytes?.(before + more),
      });
      at += got;
      if (got > 0) [failures, renewals] = [0, 0];
      if (end === "complete") continue;
      if (end === "expired") {
        renewals++;
        if (renewals <= RENEWALS) continue;
        throw new WeightloomError(
          "HubError",
          `${name}: the storage behind the Hub refused ${renewals} addresses in a row that the Hub had given out. Check this machine's clock, or try again later.`,
        );
      }
      failures++;
      if (end instanceof Odd && failures >= wire.patience.tries)
        throw new WeightloomError(
          "HubError",
          `${name}: the answers are wrong (${messageOf(end)}), ${failures} times in a row. Something between here and the Hub, a proxy perhaps, changes them.`,
        );
      await wire.patiently(failures, end, signed ?? address, { signal });
    }
  };
}

/** The body, piece by piece; a silence of `stall` ms is an error. */
async function* chunksOf(response: Response, stall: number, own: AbortController): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let heard = Date.now();
  let silent = false;
  const watch = setInterval(
    () => {
      if (Date.now() - heard < stall) return;
      silent = true;
      own.abort(new Error(`nothing came for ${Math.round(stall / 1000)} s`));
    },
    Math.max(10, stall / 4),
  );
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      heard = Date.now();
      yield value;
    }
  } catch (error) {
    throw silent ? own.signal.reason : error;
  } finally {
    clearInterval(watch);
    reader.cancel().catch(() => {});
  }
}
