// The start of the UI: mounts the application into index.html.
import { mount } from "svelte";
import App from "./app/App.svelte";
import "./app.css";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");
mount(App, { target });
