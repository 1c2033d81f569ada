/** The one thing that workers/ uses and only a worker's types have; the tests compile with a page's. */
interface FileSystemSyncAccessHandle {
  getSize(): number;
  truncate(size: number): void;
  read(bytes: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  flush(): void;
  close(): void;
}
interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>;
}
