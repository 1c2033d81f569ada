/** Merges that a closed tab, a crash or a failure left: how far they came, what they need, and what becomes of them. */
import { CirclePause } from "lucide-react";
import { useState } from "react";
import { Button } from "../controls/button.tsx";
import { whenOf } from "../history/versions.tsx";
import { useModels } from "../state/models.ts";
import { goOn } from "../state/run.ts";
import { discard, type Unfinished, useUnfinished } from "../state/unfinished.ts";

export default function UnfinishedMerges() {
  const { list } = useUnfinished();
  return list.map((one) => <Card key={one.job.id} one={one} />);
}

function Card({ one }: { readonly one: Unfinished }) {
  const { job, left } = one;
  const [isBusy, setBusy] = useState(false);
  const open = useModels((state) => state.list);
  const isOpen = (name: string) => open.some(({ summary }) => summary.name === name);
  const closed = job.models.map(({ name }) => name).filter((name) => !isOpen(name));
  const act = async (work: Promise<void>) => {
    setBusy(true);
    await work;
    setBusy(false);
  };
  return (
    <section className="result result-left" aria-label={`Unfinished merge ${job.kept.title}`}>
      <header>
        <CirclePause size={18} aria-hidden />
        <h2>{job.kept.title} is not finished</h2>
      </header>
      <p>
        Begun {whenOf(left.at)}. {farIn(one)} {whereIn(one)}
      </p>
      <p className="quiet">
        Reads {left.models.join(", ")}.
        {closed.length > 0 &&
          ` ${closed.join(", ")} ${closed.length === 1 ? "is" : "are"} not open; Resume opens what it can.`}
      </p>
      <div className="buttons">
        <Button look="primary" disabled={isBusy} onClick={() => void act(goOn(one))}>
          Resume
        </Button>
        <Button disabled={isBusy} onClick={() => void act(discard(one))}>
          Discard
        </Button>
      </div>
    </section>
  );
}

function farIn({ left }: Unfinished): string {
  const { tensors, tensorsTotal, files, filesTotal, rounds } = left;
  if (tensors === 0) return rounds > 0 ? "The numbers of the whole model are found." : "Nothing is finished yet.";
  const shards = filesTotal > 1 ? `, ${files.toLocaleString("en")} of ${filesTotal.toLocaleString("en")} shards` : "";
  return `${tensors.toLocaleString("en")} of ${tensorsTotal.toLocaleString("en")} tensors${shards} are finished and not done again.`;
}

function whereIn({ job: { target }, left }: Unfinished): string {
  switch (target.kind) {
    case "private":
      return "It goes on in private storage, behind the last tensor.";
    case "folder":
      return `It goes on in ${target.handle.name}/${left.folder}, behind the last whole shard.`;
    case "file":
      return `${target.handle.name} is written from its beginning.`;
    default:
      return target satisfies never;
  }
}
