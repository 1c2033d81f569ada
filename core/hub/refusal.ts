/**
 * What the Hub says no with, as sentences: what is missing, and the page where it can be had. The Hub names its reason in a
 * header, which says more than the status: without a token, a model that does not exist and a private one are both 401.
 */
import { WeightloomError } from "../errors.ts";

export interface Subject {
  /** "org/name", or null for requests about none. */
  readonly repo: string | null;
  readonly revision?: string | undefined;
  readonly file?: string;
  /** What was to be done, when it was not reading: "write to it". */
  readonly writing?: boolean;
}

export interface Circumstances {
  readonly endpoint: string;
  readonly signedIn: boolean;
}

/** What is behind a refusal, for whoever has to do more than say it. */
export type Reason = "gated" | "repository" | "revision" | "file" | "token" | "other";

export class Refusal extends WeightloomError {
  readonly reason: Reason;

  constructor(name: "HubError" | "AccessError", reason: Reason, message: string) {
    super(name, message);
    this.reason = reason;
  }
}

const hub = (reason: Reason, text: string) => new Refusal("HubError", reason, text);
const access = (reason: Reason, text: string) => new Refusal("AccessError", reason, text);

export function refusalOf(
  subject: Subject,
  response: Pick<Response, "status" | "headers">,
  body: ArrayBuffer,
  { endpoint, signedIn }: Circumstances,
): Refusal {
  const { repo, revision } = subject;
  const { status, headers } = response;
  const code = headers.get("x-error-code") ?? "";
  const said = headers.get("x-error-message") ?? saidIn(body);
  const page = `${endpoint}/${repo ?? ""}`;
  const name = repo ?? "The Hub";
  const tokens = `${endpoint}/settings/tokens`;

  if (code === "GatedRepo" || (status === 403 && /gated|awaiting|restricted/i.test(said))) {
    const then = signedIn
      ? "with the account of your token, then try again. Some authors approve requests by hand, which takes time."
      : `, then use a token of that account (${tokens}).`;
    return access("gated", `${name}: the model is gated. Accept its terms on ${page}${signedIn ? " " : ""}${then}`);
  }
  if (code === "DisabledRepo") return hub("other", `${name}: the Hub has disabled this model. ${page} may say why.`);
  if (code === "RevisionNotFound")
    return hub(
      "revision",
      `${name}: there is no revision "${revision ?? "main"}". ${page}/tree/main lists branches and tags.`,
    );
  if (code === "EntryNotFound")
    return hub("file", `${name}: there is no file "${subject.file ?? "asked for"}" ${at(revision)}.`);
  if (status === 401 && signedIn && code !== "RepoNotFound")
    return access("token", `${name}: the Hub does not accept the token${because(said)}. Make a new one on ${tokens}.`);
  if (code === "RepoNotFound" || status === 404 || status === 401) {
    if (subject.writing === true && !signedIn)
      return access("token", `${name}: publishing needs a token that may write (${tokens}).`);
    const text = `${name}: the Hub has no such model, or it is private.`;
    return signedIn
      ? hub("repository", `${text} Check the name; the token must belong to somebody who may read it.`)
      : access("repository", `${text} Check the name; if it is private, a token is needed (${tokens}).`);
  }
  if (status === 403 && subject.writing === true)
    return access(
      "token",
      `${name}: the token may not write there${because(said)}. Use one with write access to ${name.split("/")[0]} (${tokens}).`,
    );
  if (status === 403)
    return access("token", `${name}: the Hub refuses${because(said)}. Check what the token may read (${tokens}).`);
  return hub("other", `${name}: the Hub answered with status ${status}${because(said)}.`);
}

const at = (revision: string | undefined) => (revision === undefined ? "in it" : `at ${revision.slice(0, 40)}`);
const because = (said: string) => (said === "" ? "" : ` (${said.replace(/\.$/, "")})`);

/** The message in a body, shortened: it comes from outside. */
function saidIn(body: ArrayBuffer): string {
  const text = new TextDecoder().decode(body.slice(0, 2000));
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null) return "";
    const { error, message } = json as { error?: unknown; message?: unknown };
    return clean(typeof error === "string" ? error : typeof message === "string" ? message : "");
  } catch {
    return /^\s*</.test(text) ? "" : clean(text);
  }
}

const clean = (text: string) =>
  text
    .replace(/[\p{Cc}\p{Cf}]+/gu, " ")
    .trim()
    .slice(0, 200);
