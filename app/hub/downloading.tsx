/** What a merge downloads, while it does, and the pauses the Hub asks for. */
import { useState } from "react";
import { formatBytes } from "../../core/units.ts";
import { useHub } from "../state/hub.ts";
import { useWait, Wait } from "./wait.tsx";

/** Shown while a run is on: counts what comes from its first moment. */
export function Downloading() {
  const { downloaded } = useHub((state) => state.news);
  const [before] = useState(downloaded);
  const waits = useWait() !== null;
  if (waits) return <Wait className="runbar-trouble" />;
  return downloaded > before ? <span>{formatBytes(downloaded - before)} from the Hub</span> : null;
}
