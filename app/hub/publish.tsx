/**
 * A finished merge becomes a repository: its name, who may see it, what goes there and what its card says, before anything is
 * sent. Stopped or broken off, it goes on where it was; other weights are replaced only when that is said.
 */
import { ChevronRight, CircleCheck } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import "../style/hub.css";
import { isAbort, messageOf } from "../../core/errors.ts";
import { parseHubName } from "../../core/hub/name.ts";
import { formatBytes } from "../../core/units.ts";
import type { Published, PublishProgress } from "../../workers/api.ts";
import { HUB } from "../../workers/built.ts";
import { Button } from "../controls/button.tsx";
import { Segments } from "../controls/choice.tsx";
import { Sheet } from "../controls/sheet.tsx";
import type { FoundFile } from "../platform/found.ts";
import { findResult, type Left } from "../runs/result.ts";
import { hub, useHub } from "../state/hub.ts";
import { Account } from "./account.tsx";
import { Linked } from "./linked.tsx";
import { Wait } from "./wait.tsx";

interface Props {
  readonly left: Left;
  onClose(): void;
}

type Named = { readonly name: string; readonly file: File };

const nameOf = ({ path }: FoundFile) => path.split("/").at(-1) ?? path;

/** "Add, reverse, sort" as a word of a repository's name. */
const slug = (title: string) =>
  title
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/--+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 90) || "merge";

export default function PublishSheet({ left, onClose }: Props) {
  const account = useHub((state) => state.account);
  const [files, setFiles] = useState<readonly Named[] | null>(null);
  const [card, setCard] = useState("");
  const [typed, setTyped] = useState<string | null>(null);
  const [visibility, setVisibility] = useState<"private" | "public">("private");
  const [progress, setProgress] = useState<PublishProgress | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [done, setDone] = useState<Published | null>(null);
  const isBusy = useRef(false);
  const name = typed ?? `${account?.user ?? ""}/${slug(left.title)}`;
  const target = parseHubName(name, HUB.endpoint);
  const size = (files ?? []).reduce((sum, { file }) => sum + file.size, 0);

  useEffect(() => {
    const read = async () => {
      const found = (await findResult(left)).files.map((one) => ({ name: nameOf(one), file: one.file }));
      setCard((await found.find((one) => one.name === "README.md")?.file.text()) ?? "");
      setFiles(found);
    };
    read().catch((reason: unknown) => setError(messageOf(reason)));
  }, [left]);
  // A page that is left in the middle has sent what it has sent: the next time goes on from there.
  useEffect(() => () => void (isBusy.current && hub().then((client) => client.hubStop("publish"))), []);

  async function publish(mayReplace: boolean): Promise<void> {
    if (files === null) return;
    setError(null);
    setProgress({ step: "checking", file: null, done: 0, total: 0 });
    isBusy.current = true;
    try {
      const ask = { name, files, isPublic: visibility === "public", mayReplace };
      setDone(await (await hub()).hubPublish(ask, setProgress));
    } catch (reason) {
      setError(isAbort(reason) ? "Stopped. What has arrived is not sent again." : messageOf(reason));
    } finally {
      isBusy.current = false;
      setProgress(null);
    }
  }

  return (
    <Sheet title="Publish to the Hub" onClose={onClose}>
      {done !== null ? (
        <Outcome done={done} visibility={visibility} />
      ) : (
        <form
          className="hub publish"
          onSubmit={(event) => {
            event.preventDefault();
            void publish(false);
          }}
        >
          <label className="field-label" htmlFor="publish-name">
            Repository, organisation/name
          </label>
          <input
            id="publish-name"
            className="hub-words publish-name"
            spellCheck={false}
            value={name}
            disabled={progress !== null}
            onChange={(event) => setTyped(event.target.value)}
          />
          <div className="hub-one">
            <Segments
              label="Who may see it"
              value={visibility}
              options={[
                { value: "private", label: "Private" },
                { value: "public", label: "Public" },
              ]}
              onChange={(next) => setVisibility(next)}
            />
            <p className="quiet">
              {files === null
                ? "Looking at the files ..."
                : `${files.length} files, ${formatBytes(size)}; licence ${licenceOf(card) ?? "not stated"}. A repository that exists stays as visible as it is.`}
            </p>
          </div>
          <details className="about">
            <summary>
              <ChevronRight className="about-mark" size={14} aria-hidden /> What its card says
            </summary>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and keys must be able to */}
            <pre className="shared-text" tabIndex={0}>
              {card === "" ? "It has no card." : card}
            </pre>
          </details>
          {progress !== null && <Progress progress={progress} />}
          {error !== null && (
            <p className="hub-bad" role="alert">
              <Linked text={error} />
            </p>
          )}
          <div className="buttons sheet-end">
            {progress !== null ? (
              <Button onClick={() => void hub().then((client) => client.hubStop("publish"))}>Stop</Button>
            ) : (
              <>
                {error?.includes("already holds a model") === true && (
                  <Button onClick={() => void publish(true)}>Replace the model that is there</Button>
                )}
                <Button
                  type="submit"
                  look="primary"
                  disabled={account === null || files === null || target === null || target.folder !== undefined}
                >
                  Publish {visibility === "private" ? "privately" : "publicly"}
                </Button>
              </>
            )}
          </div>
        </form>
      )}
      <Account />
    </Sheet>
  );
}

const STEPS = { checking: "Checking", hashing: "Reading", uploading: "Sending", committing: "Committing" } as const;

function Progress({ progress: { step, file, done, total } }: { readonly progress: PublishProgress }) {
  return (
    <div className="hub-one" role="status">
      <p>
        {STEPS[step]} {total === 0 ? "..." : `${formatBytes(Math.round(done))} of ${formatBytes(total)}`} {file ?? ""}{" "}
        <Wait />
      </p>
      <progress aria-label={STEPS[step]} max={Math.max(1, total)} value={done} />
    </div>
  );
}

function Outcome({ done, visibility }: { readonly done: Published; readonly visibility: string }) {
  const { url, commit, created, sent, equal, deleted } = done;
  const parts = [
    created ? `The repository was made, ${visibility}.` : null,
    commit === null ? "It was there already, byte for byte." : `${sent.length} files were sent in one commit.`,
    equal.length > 0 && commit !== null ? `${equal.length} were there already.` : null,
    deleted.length > 0 ? `${deleted.length} old files were removed; they stay in its history.` : null,
  ];
  return (
    <div className="hub-one publish-done" role="status">
      <CircleCheck size={18} aria-hidden />
      <p>
        Published: <Linked text={url} />. {parts.filter((part) => part !== null).join(" ")}
      </p>
    </div>
  );
}

/** Of the card's front matter. */
const licenceOf = (card: string): string | null =>
  /^license:\s*(\S+)/m.exec(card.split(/^---\s*$/m)[1] ?? "")?.[1] ?? null;
