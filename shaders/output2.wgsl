// Output of a 16-bit type: four elements are two words.
@group(0) @binding(5) var<storage, read_write> output: array<vec2<u32>>;
