export function makeSparse(folder: string, size: string): number;
export function makeFamily(folder: string, size: string, count: number, seed?: number): number;
