/** The inspector: any model, or two side by side; their tensors as a table, as a map, and their papers. */
import { useEffect } from "react";
import "../style/inspect.css";
import { Segments, Select } from "../controls/choice.tsx";
import { tintOf } from "../controls/colours.ts";
import { survey, useInspect } from "../state/inspect.ts";
import { HeatMap } from "./map.tsx";
import { Papers } from "./papers.tsx";
import { type Subject, useSubject } from "./subject.ts";
import { TensorTable } from "./table.tsx";
import { TensorPanel } from "./tensor.tsx";

const PARTS = [
  { value: "tensors", label: "Tensors" },
  { value: "map", label: "Heat map" },
  { value: "papers", label: "Metadata" },
] as const;

export function Inspect() {
  const subject = useSubject();
  const { part, set } = useInspect();
  useSurveys(subject, part);
  if (subject === null) return <p className="quiet mixer-empty">Add a model to look into it.</p>;
  const { model, against, open, role } = subject;
  return (
    <section className="inspect" aria-label="Inspect" style={{ "--tint": tintOf(role) } as React.CSSProperties}>
      <div className="tools">
        <Select
          label="Model"
          value={model.name}
          options={open.map(({ name }) => ({ value: name, label: name }))}
          onChange={(name) => set({ model: name, tensor: null })}
        />
        <Select
          label="Compared with"
          value={against?.name ?? ""}
          options={[
            { value: "", label: "nothing" },
            ...open.filter((one) => one !== model).map(({ name }) => ({ value: name, label: name })),
          ]}
          onChange={(name) => set({ against: name })}
        />
        <Segments label="What to see" value={part} options={PARTS} onChange={(value) => set({ part: value })} />
      </div>
      {part === "tensors" && <TensorTable subject={subject} />}
      {part === "map" && <HeatMap subject={subject} />}
      {part === "papers" ? <Papers model={model} /> : <TensorPanel subject={subject} />}
    </section>
  );
}

/** A pair is surveyed at once, a single model when its map is opened. */
function useSurveys(subject: Subject | null, part: string): void {
  const model = subject?.model.name;
  const against = subject?.against?.name;
  const base = subject?.base?.name;
  useEffect(() => {
    if (model === undefined || part === "papers") return;
    if (against !== undefined) void survey("pair", against, [model]);
    else if (part === "map") void survey("pair", model, []);
  }, [model, against, part]);
  useEffect(() => {
    if (model === undefined || against === undefined || base === undefined || part !== "map") return;
    void survey("tasks", base, [model, against]);
  }, [model, against, base, part]);
}
