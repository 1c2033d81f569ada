/** The bottom: what is running, in bytes; or what the page would do next. */
import { formatBytes, formatSeconds } from "../../core/units.ts";
import { Button } from "../controls/button.tsx";

import { Downloading } from "../hub/downloading.tsx";
import { cancel, isRunning, pause, unpause, useRun } from "../state/run.ts";

export function RunBar() {
  const { status, progress, report } = useRun();
  const running = useRun(isRunning);
  if (!running) {
    const last =
      status === "done" && report !== null
        ? `Last run: ${formatBytes(report.writtenBytes)} in ${formatSeconds(report.seconds)} on ${report.engine}.`
        : "Nothing is running. Your weights stay on this machine.";
    return <footer className="runbar quiet">{last}</footer>;
  }
  const share = progress === null || progress.writeTotal === 0 ? 0 : progress.writtenBytes / progress.writeTotal;
  // What earlier runs of the same merge wrote took none of this run's time.
  const here = progress === null ? 0 : progress.writtenBytes - progress.keptBytes;
  const left =
    progress === null || here <= 0 ? null : (progress.seconds / here) * (progress.writeTotal - progress.writtenBytes);
  const isChecking = share >= 0.999;
  const isPaused = status === "paused";
  const speed = (bytes: number) => `${formatBytes(Math.round(bytes / Math.max(0.05, progress?.seconds ?? 1)))}/s`;
  return (
    <footer className="runbar">
      <span>
        {status === "cancelling" ? "Cancelling" : isPaused ? "Paused" : isChecking ? "Checking the result" : "Merging"}
      </span>
      <progress aria-label="Bytes written" max={1} value={share} />
      <Downloading />
      {progress !== null && (
        <>
          <span>
            {formatBytes(progress.writtenBytes)} of {formatBytes(progress.writeTotal)}
          </span>
          <span className="runbar-wide">
            in {speed(progress.readBytes)} · out {speed(Math.max(0, here))}
          </span>
          {left !== null && !isChecking && !isPaused && <span>{formatSeconds(left)} left</span>}
          {progress.trouble === null ? (
            <span className="runbar-tensor" title={progress.tensor}>
              {progress.tensor}
            </span>
          ) : (
            <span className="runbar-tensor runbar-trouble" role="status" title={progress.trouble}>
              {progress.trouble}
            </span>
          )}
        </>
      )}
      <Button disabled={status === "cancelling" || isChecking} onClick={isPaused ? unpause : pause}>
        {isPaused ? "Resume" : "Pause"}
      </Button>
      <Button disabled={status === "cancelling"} onClick={cancel}>
        Cancel
      </Button>
    </footer>
  );
}
