// Output of a 32-bit type: four elements are four words.
@group(0) @binding(5) var<storage, read_write> output: array<vec4<u32>>;
