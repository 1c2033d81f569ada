/** One tensor: where it lies, its figures and histogram, and, of a pair, how far the two are apart. */
import { type ReactNode, useState } from "react";
import { formatBytes, formatCount } from "../../core/units.ts";
import type { Figures, ModelSummary, TensorFigures, TensorRow } from "../../workers/api.ts";
import { Button } from "../controls/button.tsx";
import { Row } from "../controls/choice.tsx";
import { stopFigures, useFigures } from "../state/figures.ts";
import { useInspect } from "../state/inspect.ts";
import { findRanks, isMatrix, rankKey, useRanks } from "../state/ranks.ts";
import { Histogram } from "./histogram.tsx";
import { figure, METRICS, metricOf, percent } from "./metrics.ts";
import { countOf } from "./rows.ts";
import type { Subject } from "./subject.ts";
import { agreementText, changeText } from "./words.ts";

export function TensorPanel({ subject: { model, against } }: { subject: Subject }) {
  const tensor = useInspect((state) => state.tensor);
  const row = model.tensors.find(({ name }) => name === tensor);
  const [exact, setExact] = useState<string | null>(null);
  const { figures, share, error } = useFigures(
    model.id,
    against?.id ?? null,
    row?.name ?? null,
    row !== undefined && exact === row.name,
  );
  if (row === undefined)
    return <p className="quiet tensor-none">Choose a tensor to see its figures and how its values are spread.</p>;
  return (
    <section className="tensor" aria-label={`Tensor ${row.name}`} aria-busy={share !== null}>
      <header>
        <h3>{row.name}</h3>
        <Looked figures={figures} share={share} onExact={() => setExact(row.name)} />
      </header>
      {error !== null && <p className="survey-bad">{error}</p>}
      <div className="tensor-parts">
        <Place row={row} />
        {figures !== null && (
          <>
            <Own title={model.name} figures={figures.own}>
              {against === null && <StableRank row={row} model={model} against={null} />}
            </Own>
            {figures.difference !== null && against !== null && (
              <Difference difference={figures.difference} names={[model.name, against.name]}>
                <StableRank row={row} model={model} against={against} />
              </Difference>
            )}
            {figures.apart !== null && against !== null && (
              <p className="quiet">
                Not compared with {against.name}: {figures.apart}.
              </p>
            )}
          </>
        )}
      </div>
    </section>
  );
}

interface LookedProps {
  readonly figures: TensorFigures | null;
  readonly share: number | null;
  onExact(): void;
}

/** What the figures stand on: all elements, or a sample. */
function Looked({ figures, share, onExact }: LookedProps) {
  if (share !== null)
    return (
      <span className="survey">
        <progress aria-label="Elements looked at" value={share} max={1} />
        <Button look="ghost" onClick={stopFigures}>
          Stop
        </Button>
      </span>
    );
  if (figures === null) return null;
  const { looked } = figures.own;
  if (looked === figures.elements) return <span className="quiet">all {formatCount(looked)} elements</span>;
  return (
    <span className="quiet">
      sampled: {formatCount(looked)} of {formatCount(figures.elements)} elements{" "}
      <Button look="ghost" onClick={onExact}>
        Look at all
      </Button>
    </span>
  );
}

const bytes = (at: number) => at.toLocaleString("en");

function Place({ row }: { row: TensorRow }) {
  return (
    <dl className="tensor-place">
      <Row name="Shape">{row.shape.join(" × ") || "one number"}</Row>
      <Row name="Elements">{countOf(row.shape).toLocaleString("en")}</Row>
      <Row name="Type">
        {row.dtype}, {formatBytes(row.bytes)}
      </Row>
      <Row name="File">{row.file}</Row>
      <Row name="Bytes">
        {bytes(row.start)} to {bytes(row.start + row.bytes)}
      </Row>
      <Row name="Place">{row.layer === null ? row.kind : `layer ${row.layer}, ${row.kind}`}</Row>
    </dl>
  );
}

const known = (value: number | null) => (value === null ? "–" : figure(value));

function Own({ title, figures, children }: { title: string; figures: Figures; children: ReactNode }) {
  const { looked, zeros, nan, infinite } = figures;
  return (
    <div className="tensor-own">
      {figures.histogram !== null && <Histogram title={title} of={figures.histogram} />}
      <dl>
        <Row name="Mean">{known(figures.mean)}</Row>
        <Row name="Deviation">{known(figures.deviation)}</Row>
        <Row name="Least">{known(figures.least)}</Row>
        <Row name="Greatest">{known(figures.greatest)}</Row>
        <Row name="Largest">{known(figures.magnitude)}</Row>
        <Row name="Norm">{figure(figures.norm)}</Row>
        <Row name="Zeros">
          {zeros.toLocaleString("en")} · {percent(zeros / Math.max(1, looked))}
        </Row>
        <Row name="NaN, Inf">
          <span className={nan + infinite > 0 ? "tensor-bad" : undefined}>
            {nan.toLocaleString("en")}, {infinite.toLocaleString("en")}
          </span>
        </Row>
        {children}
      </dl>
    </div>
  );
}

interface DifferenceProps {
  readonly difference: NonNullable<TensorFigures["difference"]>;
  readonly names: readonly [string, string];
  readonly children: ReactNode;
}

/** Found when asked for, since all of the matrix is read several times. */
function StableRank({ row, model, against }: { row: TensorRow; model: ModelSummary; against: ModelSummary | null }) {
  const ranks = useRanks();
  if (!isMatrix(row.shape)) return null;
  const isOurs = ranks.key === rankKey(model.id, against?.id ?? null);
  const known = isOurs ? ranks.rows.get(row.name) : undefined;
  return (
    <Row name="Stable rank" help={`${METRICS.rank.help}.`}>
      {known !== undefined ? (
        known.rank === null ? (
          "–"
        ) : (
          `${METRICS.rank.format(known.rank)} of ${known.most.toLocaleString("en")}`
        )
      ) : isOurs && ranks.state === "running" ? (
        "finding ..."
      ) : (
        <button
          type="button"
          className="link"
          onClick={() => void findRanks(model.name, against?.name ?? null, row.name)}
        >
          Find
        </button>
      )}
    </Row>
  );
}

function Difference({ difference: { figures, moves }, names: [model, against], children }: DifferenceProps) {
  const value = (metric: "change" | "cosine" | "flips") => {
    const found = metricOf(moves, metric);
    return found === null ? "–" : METRICS[metric].format(found);
  };
  const equal = figures.zeros / Math.max(1, figures.looked);
  return (
    <div className="tensor-own">
      {figures.histogram !== null && <Histogram title={`${model} minus ${against}`} of={figures.histogram} />}
      <dl>
        <Row name="Moved">{value("change")}</Row>
        <Row name="Cosine">{value("cosine")}</Row>
        <Row name="Signs differ">{value("flips")}</Row>
        <Row name="Unchanged">{percent(equal)}</Row>
        <Row name="Mean">{known(figures.mean)}</Row>
        <Row name="Largest">{known(figures.magnitude)}</Row>
        {children}
      </dl>
      <p className="quiet">
        {changeText(model, against, metricOf(moves, "change"))} {agreementText(metricOf(moves, "cosine"))}
      </p>
    </div>
  );
}
