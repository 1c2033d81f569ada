/**
 * The side of the mock Hub that takes files: repositories and branches are made, files asked about (preupload), large ones sent to
 * the storage in one piece or in parts (LFS batch), and put in a commit. What arrives is hashed: a commit with a file that did
 * not arrive whole is refused. Faults at "upload" besides the usual ones (faults.mjs):
 *
 *   quota   no more room: the batch refuses
 *   lost    the commit is made, but its answer never arrives
 *   rival   somebody else commits just before
 */
import { createHash } from "node:crypto";
import { commitTo, memoryFile, repository } from "./repos.mjs";

/** Files are sent in parts of this size when they are larger. */
const PART = 300_000;

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** @returns whether the request was one of these */
export async function uploads(state, path, url, answer, { trouble, whoAsks, findRepo }) {
  if (answer.request.method !== "POST") return false;
  const rest = /^\/api\/models\/([^/]+\/[^/]+)\/(preupload|commit|branch)\/(.+)$/.exec(path);
  const batch = /^\/([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/.exec(path);
  const complete = /^\/_complete\/([0-9a-f]{64})$/.exec(path);
  const creating = path === "/api/repos/create";
  if (rest === null && batch === null && complete === null && !creating) return false;
  if (trouble(state, "upload", answer)) return true;
  const body = (await answer.body()).toString();
  if (complete !== null) {
    finish(state, complete[1], JSON.parse(body), answer);
    return true;
  }
  const user = whoAsks(state, answer);
  if (user === undefined) return true;
  if (creating) {
    create(state, JSON.parse(body), user, answer);
    return true;
  }
  const name = rest?.[1] ?? batch?.[1];
  const repo = findRepo(state, name, user, answer);
  if (repo === null) return true;
  if (!mayWrite(user, name)) {
    answer.error(403, null, "You don't have the rights to write to this repo");
    return true;
  }
  if (batch !== null) offer(state, JSON.parse(body), answer);
  else if (rest[2] === "preupload") {
    const files = JSON.parse(body).files.map(({ path: file, size }) => ({
      path: file,
      uploadMode: /\.safetensors$/.test(file) || size > 1_000_000 ? "lfs" : "regular",
    }));
    answer.json(200, { files });
  } else if (rest[2] === "branch") {
    repo.branches.set(rest[3], repo.branches.get("main"));
    answer.json(200, {});
  } else commit(state, name, repo, rest[3], url, body, answer);
  return true;
}

const mayWrite = (user, name) => {
  const [owner] = name.split("/");
  return user !== null && user.role !== "read" && (user.name === owner || (user.orgs ?? []).includes(owner));
};

function create(state, { name, organization, visibility }, user, answer) {
  const full = `${organization}/${name}`;
  if (user === null) return answer.error(401, null, "Invalid username or password.");
  if (!mayWrite(user, full))
    return answer.error(403, null, `You don't have the rights to create a model under the namespace "${organization}"`);
  if (state.repos.has(full)) return answer.error(409, null, "You already created this model repo");
  const files = new Map([
    [".gitattributes", memoryFile(".gitattributes", "*.safetensors filter=lfs diff=lfs merge=lfs -text\n")],
  ]);
  state.repos.set(full, repository(files, { private: visibility !== "public" }));
  return answer.json(200, { url: `${state.endpoint}/${full}`, id: full });
}

function offer(state, { objects }, answer) {
  const { quota } = state.faults.strike("upload", ["quota"]);
  if (quota !== undefined) return answer.error(403, null, "Private repository storage limit reached");
  answer.send(
    200,
    JSON.stringify({
      transfer: "basic",
      objects: objects.map(({ oid, size }) => {
        if (state.uploaded.has(oid)) return { oid, size };
        if (size <= PART) return { oid, size, actions: { upload: { href: state.signed(`/_upload/${oid}`) } } };
        const header = { chunk_size: String(PART) };
        for (let i = 1; i <= Math.ceil(size / PART); i++)
          header[String(i).padStart(5, "0")] = state.signed(`/_upload/${oid}/${i}`);
        return { oid, size, actions: { upload: { href: `${state.endpoint}/_complete/${oid}`, header } } };
      }),
    }),
    { "Content-Type": "application/vnd.git-lfs+json" },
  );
}

/** PUT to the storage: a file, or a part of one. */
uploads.onStorage = async (state, url, answer, trouble) => {
  if (trouble(state, "upload", answer)) return;
  const { reset, expired, silent } = state.faults.strike("upload", ["reset", "expired", "silent"]);
  if (reset !== undefined) {
    answer.request.once("data", () => answer.response.destroy());
    return;
  }
  const bytes = await answer.body();
  if (!state.valid(url) || expired !== undefined) return answer.send(403, "<Error><Code>AccessDenied</Code></Error>");
  const [, , oid, part] = url.pathname.split("/");
  answer.entry.taken = bytes.length;
  if (silent !== undefined) return;
  if (part === undefined) {
    if (hash(bytes) !== oid) return answer.send(400, "<Error><Code>BadDigest</Code></Error>");
    state.uploaded.set(oid, bytes);
  } else {
    const parts = state.parts.get(oid) ?? new Map();
    state.parts.set(oid, parts.set(Number(part), bytes));
  }
  return answer.send(200, "", { ETag: `"${hash(bytes).slice(0, 32)}"` });
};

function finish(state, oid, { parts }, answer) {
  const have = state.parts.get(oid) ?? new Map();
  const right = parts.every(({ partNumber, etag }) => etag === `"${hash(have.get(partNumber) ?? "").slice(0, 32)}"`);
  const bytes = Buffer.concat(parts.map(({ partNumber }) => have.get(partNumber) ?? Buffer.alloc(0)));
  if (!right || hash(bytes) !== oid) return answer.error(400, null, "The parts do not make the file");
  state.uploaded.set(oid, bytes);
  state.parts.delete(oid);
  return answer.json(200, {});
}

function commit(state, name, repo, branch, url, body, answer) {
  const { lost, rival } = state.faults.strike("upload", ["lost", "rival"]);
  const files = new Map(repo.commits.get(repo.branches.get(branch)));
  if (rival !== undefined)
    commitTo(repo, branch, new Map(files).set("note.txt", memoryFile("note.txt", `rival ${Date.now()}`)));
  let parent = null;
  for (const line of body.split("\n")) {
    const { key, value } = JSON.parse(line);
    if (key === "header") parent = value.parentCommit ?? null;
    else if (key === "deletedFile") files.delete(value.path);
    else if (key === "file") files.set(value.path, memoryFile(value.path, Buffer.from(value.content, "base64")));
    else {
      const bytes = state.uploaded.get(value.oid);
      if (bytes === undefined || bytes.length !== value.size)
        return answer.error(400, null, `The file ${value.path} was not uploaded`);
      files.set(value.path, { ...memoryFile(value.path, bytes), lfs: true });
    }
  }
  if (parent !== null && parent !== repo.branches.get(branch))
    return answer.error(412, null, "A commit has happened since. Please refresh and try again.");
  const request = url.searchParams.get("create_pr") === "1";
  const sha = commitTo(repo, request ? "refs/pr/1" : branch, files);
  if (lost !== undefined) return answer.response.destroy();
  return answer.json(200, {
    success: true,
    commitOid: sha,
    commitUrl: `${state.endpoint}/${name}/commit/${sha}`,
    hookOutput: "",
    ...(request ? { pullRequestUrl: `${state.endpoint}/${name}/discussions/1` } : {}),
  });
}
