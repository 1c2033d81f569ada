/**
 * What people call a model on the Hub: `org/name`, `org/name@revision`, either with `:folder` behind it, or the address of one
 * of its pages. Only the words are read here; whether there is such a model, the Hub knows.
 */

export interface HubName {
  /** "org/name". */
  readonly repo: string;
  /** Branch, tag or commit; absent: the default branch. */
  readonly revision?: string;
  /** A folder of the repository, without slashes at its ends; absent: the whole. */
  readonly folder?: string;
}

/** One word of a name: what the Hub allows, and nothing that a path or a URL could read otherwise. */
const WORD = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?$/;
const REVISION = /^[A-Za-z0-9_][\w./+-]{0,254}$/;
const FOLDER = /^[\w][\w .+()-]*(?:\/[\w][\w .+()-]*)*$/;
/** Pages of the site that look like `org/name`. */
const PAGES: ReadonlySet<string> = new Set(["datasets", "spaces", "docs", "api", "models", "settings", "collections"]);
const KINDS: ReadonlySet<string> = new Set(["tree", "blob", "resolve", "raw", "commit", "commits", "discussions"]);
const SITES: ReadonlySet<string> = new Set(["huggingface.co", "www.huggingface.co", "hf.co"]);

/**
 * @param path what stands before an at-sign, or all of it
 * @param revision what stands behind it
 * @returns null when it cannot be the name of a model on the Hub
 */
export function hubName(path: string, revision?: string): HubName | null {
  const [repo = "", ...inPath] = path.split(":");
  const [asked, ...behind] = revision === undefined ? [undefined] : revision.split(":");
  const folders = [...inPath, ...behind];
  const [folder] = folders;
  const [org = "", name = "", ...more] = repo.split("/");
  if (more.length > 0 || !isWord(org) || !isWord(name) || PAGES.has(org)) return null;
  if (asked !== undefined && !isRevision(asked)) return null;
  if (folders.length > 1 || (folder !== undefined && !FOLDER.test(folder))) return null;
  return {
    repo: `${org}/${name}`,
    ...(asked === undefined ? {} : { revision: asked }),
    ...(folder === undefined ? {} : { folder }),
  };
}

/** Reads `org/name[@revision][:folder]` or a pasted address; null when it is neither. `endpoint` is a site besides huggingface.co. */
export function parseHubName(text: string, endpoint?: string): HubName | null {
  const trimmed = text.trim();
  if (/^(https?:\/\/|(www\.)?huggingface\.co\/|hf\.co\/)/i.test(trimmed)) return fromUrl(trimmed, endpoint);
  const [path = "", revision, ...more] = trimmed.split("@");
  return more.length > 0 ? null : hubName(path, revision);
}

/** The one text of a name; `parseHubName` gives it back. */
export function formatHubName({ repo, revision, folder }: HubName): string {
  return `${repo}${revision === undefined ? "" : `@${revision}`}${folder === undefined ? "" : `:${folder}`}`;
}

/** https://huggingface.co/org/name[/tree|blob|resolve/REVISION[/path]]; of a file, the folder it is in. */
function fromUrl(text: string, endpoint: string | undefined): HubName | null {
  let url: URL;
  let words: string[];
  try {
    url = new URL(/^https?:/i.test(text) ? text : `https://${text}`);
    if (!SITES.has(url.hostname) && (endpoint === undefined || url.origin !== new URL(endpoint).origin)) return null;
    words = url.pathname
      .split("/")
      .filter((word) => word !== "")
      .map(decodeURIComponent);
  } catch {
    return null;
  }
  const [org = "", name = "", kind, ...rest] = words;
  if (kind !== undefined && !KINDS.has(kind)) return null;
  const plain = hubName(`${org}/${name}`);
  if (plain === null || kind === undefined || kind === "commits" || kind === "discussions") return plain;
  const [revision, ...path] = rest;
  if (revision === undefined || !isRevision(revision)) return revision === undefined ? plain : null;
  const folders = kind === "tree" ? path : path.slice(0, -1);
  const folder = folders.join("/");
  if (folder !== "" && !FOLDER.test(folder)) return null;
  return { ...plain, ...(revision === "main" ? {} : { revision }), ...(folder === "" ? {} : { folder }) };
}

const isWord = (word: string) => WORD.test(word) && !/\.\.|--/.test(word) && !word.endsWith(".git");
const isRevision = (text: string) => REVISION.test(text) && !/\.\.|\/\/|\/$/.test(text);
