/**
 * Whether a folder may be published: a whole model or adapter, nothing half written, nothing secret. Names come first, then the
 * headers: a weight file must have exactly the bytes its header says.
 */
import { fromBlob } from "../bytes/blob.ts";
import type { ByteSource } from "../bytes/source.ts";
import { WeightloomError } from "../errors.ts";
import { openSafetensors } from "../formats/safetensors.ts";
import { openCheckpoint } from "../formats/shards.ts";

const ADAPTER = "adapter_model.safetensors";
/** Text in which a token could have been left. */
const TEXT = /\.(md|txt|ya?ml|json|jinja|py)$/i;
const TEXT_SIZE = 1_000_000;
const TOKEN = /\bhf_[A-Za-z0-9]{30,}\b/;

const refuse = (text: string) => new WeightloomError("FileError", text);

/** @throws FileError or FormatError with what is missing */
export async function refuseIncomplete(files: ReadonlyMap<string, Blob>): Promise<void> {
  const paths = [...files.keys()];
  const [partial] = paths.filter((path) => /\.(partial|crswap|tmp)$/i.test(path));
  if (partial !== undefined)
    throw refuse(
      `${partial}: the folder holds a file that was not finished, so it is not published. Finish the merge, or remove the file.`,
    );
  const sources = new Map<string, ByteSource>([...files].map(([path, blob]) => [path, fromBlob(path, blob)]));
  const adapter = sources.get(ADAPTER);
  if (files.has("adapter_config.json")) {
    if (adapter === undefined)
      throw refuse(`${ADAPTER} is missing: the folder has an adapter's config without the adapter.`);
    await openSafetensors(adapter);
  } else {
    if (!files.has("config.json"))
      throw refuse(
        "config.json is missing: without it nobody can load the model, so it is not published. Merge models that have one.",
      );
    await openCheckpoint(sources);
  }
  for (const [path, blob] of files) {
    if (!TEXT.test(path) || blob.size > TEXT_SIZE || !TOKEN.test(await blob.text())) continue;
    throw refuse(
      `${path} holds what looks like an access token, so nothing is published. Take it out, and revoke the token if anybody saw it.`,
    );
  }
}
