/** After a run: what was made, whether it checks out, and where it is; or why it failed. */
import { CircleCheck, CircleX, Download, X } from "lucide-react";
import { useState } from "react";
import { messageOf } from "../../core/errors.ts";
import { formatBytes, formatCount, formatSeconds } from "../../core/units.ts";
import type { RunReport } from "../../workers/api.ts";
import { Button } from "../controls/button.tsx";
import { Figure } from "../controls/figure.tsx";
import { NoteList } from "../plan/notes.tsx";
import { findResult, type Left, openResult, publish } from "../runs/result.ts";
import { say } from "../state/messages.ts";
import { dismissResult, useRun } from "../state/run.ts";
import { useStudio } from "../state/studio.ts";
import { useView } from "../state/view.ts";
import { ProfileView } from "./profile.tsx";

function download(file: File): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Asked for when they are wanted: from then on a next merge leaves these files as they are. @param only one of them */
async function downloadAll(left: Left, only?: string): Promise<void> {
  try {
    const { files } = await findResult(left);
    for (const { file } of files) {
      if (only !== undefined && file.name !== only) continue;
      download(file);
      // Browsers drop downloads that start in the same moment.
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  } catch (error) {
    say("error", messageOf(error));
  }
}

function copyCommand(title: string): void {
  const name = title.replace(/[^\w.-]+/g, "-").toLowerCase();
  navigator.clipboard.writeText(`npm run -s weightloom -- merge ${name}.yml ${name}`).then(
    () => say("info", `Copied. Save the recipe as ${name}.yml beside the models first.`),
    () => say("error", "The browser did not allow copying."),
  );
}

export function ResultCard() {
  const { status, report, error, isLeft } = useRun();
  if (status === "failed") {
    return (
      <section className="result result-bad" role="alert">
        <header>
          <CircleX size={18} aria-hidden />
          <h2>
            {isLeft ? "The merge stopped. What is finished is kept." : "The merge failed. Nothing was left behind."}
          </h2>
          <Close />
        </header>
        <p>{error}</p>
      </section>
    );
  }
  if (status !== "done" || report === null) return null;
  return <Report key={`${report.folder} ${report.seconds}`} report={report} />;
}

/** Whole in the view where it came up; who goes to another one wants to see that, so there it is a line. */
function Report({ report }: { readonly report: RunReport }) {
  const { target } = useRun();
  const title = useStudio((state) => state.title);
  const view = useView((state) => state.view);
  const [home, setHome] = useState(view);
  const { verify } = report;
  const isWhole = view === home;
  const left = target === null ? null : { title, target, folder: report.folder, files: report.files };
  const downloads = target?.kind === "private" ? left : null;
  const header = (
    <header>
      {verify.ok ? <CircleCheck size={18} aria-hidden /> : <CircleX size={18} aria-hidden />}
      <h2>{verify.ok ? "Merged and checked" : "Merged, but the check found something wrong"}</h2>
      {!isWhole && (
        <Button look="ghost" onClick={() => setHome(view)}>
          Show the report
        </Button>
      )}
      <Close />
    </header>
  );
  const look = `result ${verify.ok ? "" : "result-bad"}`;
  if (!isWhole)
    return (
      <section className={`${look} result-line`} aria-label="Result">
        {header}
      </section>
    );
  return (
    <section className={look} aria-label="Result" aria-live="polite">
      {header}
      <dl className="result-counts">
        <Figure name="merged" value={report.merged.toLocaleString("en")} />
        <Figure name="copied" value={report.copied.toLocaleString("en")} />
        <Figure name="parameters" value={formatCount(verify.parameters)} />
        <Figure name="written" value={formatBytes(report.writtenBytes)} />
        {report.keptBytes > 0 && <Figure name="of it before" value={formatBytes(report.keptBytes)} />}
        <Figure name="time" value={formatSeconds(report.seconds)} />
        <Figure name="engine" value={report.engine} />
      </dl>
      <ul className="checks">
        {verify.checks.map((check) => (
          <li key={check.text} className={check.ok ? "" : "check-bad"}>
            {check.ok ? <CircleCheck size={14} aria-label="good" /> : <CircleX size={14} aria-label="wrong" />}{" "}
            {check.text}
          </li>
        ))}
      </ul>
      <NoteList
        label="What went wrong on the way"
        notes={[...report.troubles, ...report.unsound].map((text) => ({ severity: "warning" as const, text }))}
      />
      <NoteList
        label="What the method found"
        notes={report.remarks.map((text) => ({ severity: "info" as const, text }))}
      />
      <ProfileView profile={report.profile} />
      <div className="buttons">
        {downloads !== null && (
          <Button look="primary" onClick={() => void downloadAll(downloads)}>
            <Download size={15} aria-hidden /> Download all
          </Button>
        )}
        {left !== null && <Button onClick={() => void openResult(left)}>Open as a model</Button>}
        {left !== null && left.target.kind !== "file" && (
          <Button onClick={() => publish(left)}>Publish to the Hub</Button>
        )}
        <Button onClick={() => copyCommand(title)}>Copy as a command</Button>
      </div>
      <ul className="result-files" aria-label="Files">
        {[...report.files]
          .sort((a, b) => (a.name < b.name ? -1 : 1))
          .map((file) => (
            <li key={file.name}>
              {downloads === null ? (
                <span>{file.name}</span>
              ) : (
                <button type="button" className="link" onClick={() => void downloadAll(downloads, file.name)}>
                  {file.name}
                </button>
              )}
              <span>{formatBytes(file.size)}</span>
            </li>
          ))}
      </ul>
    </section>
  );
}

const Close = () => (
  <Button look="icon" aria-label="Close the report" onClick={dismissResult}>
    <X size={16} aria-hidden />
  </Button>
);
