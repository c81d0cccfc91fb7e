export { createRenderer, default as createScatterplot } from "regl-scatterplot";
