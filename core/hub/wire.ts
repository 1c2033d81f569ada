/**
 * The one way to the Hub: fetch with patience. Failures that pass are waited out (network, 429, 5xx); everything else is
 * an answer. The token goes to the Hub's own origin and nowhere else: of the addresses it redirects to, browsers and
 * Node take the Authorization header off, and requests that begin elsewhere never get one.
 */
import { abortError, messageOf, throwIfAborted, WeightloomError } from "../errors.ts";
import { askedWait, createPauses, PATIENCE, type Patience, sleep, waitAfter } from "./pause.ts";
import { refusalOf, type Subject } from "./refusal.ts";

export const ENDPOINT = "https://huggingface.co";

/** Something a person may want to know while it lasts. */
export interface HubWait {
  readonly host: string;
  readonly milliseconds: number;
  /** "too many requests", "the connection failed (...)" */
  readonly because: string;
}

export interface WireOptions {
  /** Where the Hub is, without a path; default https://huggingface.co. */
  readonly endpoint?: string | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** Asked for every request, so that signing in and out needs no new client. */
  readonly token?: (() => string | null) | undefined;
  readonly patience?: Partial<Patience> | undefined;
  readonly onWait?: ((wait: HubWait) => void) | undefined;
}

export interface Asking {
  readonly signal?: AbortSignal | undefined;
  /** Failures in a row before giving up, when it is not the usual number. */
  readonly tries?: number;
}

export interface Wire {
  readonly endpoint: string;
  readonly patience: Patience;
  readonly token: () => string | null;
  /** Whether an address is the Hub's own. */
  isHub(url: string): boolean;
  /** Any answer that is not a passing failure, headers only. Throws a HubError when the host stays unreachable. */
  ask(url: string, init: RequestInit, asking?: Asking): Promise<Response>;
  /** A fetch for @huggingface/hub: whole answers, and refusals as sentences about the subject. */
  fetchAbout(subject: Subject, asking?: Asking): typeof fetch;
  /** Notes a failure and waits: after it, or for as long as everybody has to. Throws it when it was one too many. */
  patiently(failures: number, cause: unknown, url: string, asking?: Asking): Promise<void>;
}

export function createWire(options: WireOptions = {}): Wire {
  const endpoint = (options.endpoint ?? ENDPOINT).replace(/\/+$/, "");
  const origin = new URL(endpoint).origin;
  const send = options.fetch ?? ((input, init) => fetch(input, init));
  const patience = { ...PATIENCE, ...options.patience };
  const token = options.token ?? (() => null);
  const pauses = createPauses();
  const isHub = (url: string) => new URL(url).origin === origin;

  const patiently: Wire["patiently"] = async (failures, cause, url, { signal, tries = patience.tries } = {}) => {
    throwIfAborted(signal);
    if (failures >= tries) throw unreachable(url, failures, cause);
    const milliseconds = waitAfter(failures, patience);
    options.onWait?.({ host: new URL(url).host, milliseconds, because: messageOf(reasonOf(cause)) });
    await sleep(milliseconds, signal);
  };

  const ask: Wire["ask"] = async (url, init, asking = {}) => {
    const { signal } = asking;
    const { host } = new URL(url);
    const headers = new Headers(init.headers);
    const secret = isHub(url) ? token() : null;
    if (secret !== null) headers.set("Authorization", `Bearer ${secret}`);
    // An answer comes after what is sent has been: at 50 KB a second or more.
    const patient = patience.stall + (init.body instanceof Blob ? init.body.size / 50 : 0);
    for (let failures = 1; ; failures++) {
      await pauses.wait(host, signal);
      const answer = await quickly((inner) => send(url, { ...init, headers, signal: inner }), patient, signal);
      if (answer instanceof Response && answer.status !== 429 && answer.status < 500) return answer;
      if (!(answer instanceof Response)) {
        await patiently(failures, answer, url, asking);
        continue;
      }
      await answer.body?.cancel().catch(() => {});
      // A redirect may have led to another host, and that is the one that is busy.
      const busy = answer.url === "" ? host : new URL(answer.url).host;
      const because = answer.status === 429 ? "too many requests" : `status ${answer.status}`;
      const wait = askedWait(answer.headers) ?? (answer.status === 429 ? waitAfter(failures, patience) : null);
      if (wait === null) {
        await patiently(failures, new Error(because), url, asking);
        continue;
      }
      if (wait > patience.longest) throw tooLong(busy, wait);
      if (failures >= (asking.tries ?? patience.tries)) throw unreachable(url, failures, new Error(because));
      pauses.pause(busy, wait);
      if (busy !== host) pauses.pause(host, wait);
      options.onWait?.({ host: busy, milliseconds: wait, because });
    }
  };

  return {
    endpoint,
    patience,
    token,
    isHub,
    ask,
    patiently,
    fetchAbout:
      (subject, asking = {}) =>
      async (input, init) => {
        const url = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
        const signal = init?.signal ?? asking.signal;
        for (let failures = 1; ; failures++) {
          const response = await ask(url, { ...init, cache: "no-store" }, { ...asking, signal });
          // The body as a whole, so that a connection lost in the middle is one more failure to be waited out.
          const body = await quickly(() => response.arrayBuffer(), patience.stall, signal);
          if (!(body instanceof ArrayBuffer)) {
            await patiently(failures, body, url, { ...asking, signal });
            continue;
          }
          if (!response.ok) throw refusalOf(subject, response, body, { endpoint, signedIn: token() !== null });
          const { status, headers } = response;
          return new Response(status === 204 || status === 205 || status === 304 ? null : body, { status, headers });
        }
      },
  };
}

/** The result, or what went wrong, an AbortError of the caller's signal excepted; a silence of `stall` ms counts as wrong. */
async function quickly<T>(
  work: (signal: AbortSignal) => Promise<T>,
  stall: number,
  signal: AbortSignal | null | undefined,
): Promise<T | Error> {
  throwIfAborted(signal ?? undefined);
  const inner = new AbortController();
  const stop = () => inner.abort(signal?.reason ?? abortError());
  signal?.addEventListener("abort", stop, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer for ${Math.round(stall / 1000)} s`);
      inner.abort(error);
      reject(error);
    }, stall);
  });
  try {
    return await Promise.race([work(inner.signal), silence]);
  } catch (error) {
    throwIfAborted(signal ?? undefined);
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
    // The body may still be coming: it listens on until it has ended or the caller cancels.
    if (inner.signal.aborted) signal?.removeEventListener("abort", stop);
  }
}

/** What lies under "fetch failed". */
function reasonOf(error: unknown): unknown {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  if (!(cause instanceof Error)) return error;
  const { code } = cause as { code?: unknown };
  return typeof code === "string" && !cause.message.includes(code)
    ? new Error(`${code}${cause.message === "" ? "" : `: ${cause.message}`}`)
    : cause;
}

function unreachable(url: string, failures: number, cause: unknown): WeightloomError {
  const { host } = new URL(url);
  const why = messageOf(reasonOf(cause));
  return new WeightloomError(
    "HubError",
    `${host} could not be reached (${why}), after ${failures} ${failures === 1 ? "try" : "tries"}. Check the connection and try again: nothing that is on this machine needs it.`,
    { cause },
  );
}

function tooLong(host: string, wait: number): WeightloomError {
  return new WeightloomError(
    "HubError",
    `${host} asks to wait ${Math.ceil(wait / 60_000)} minutes before the next request. Try again then; signed in, the limits are higher.`,
  );
}
