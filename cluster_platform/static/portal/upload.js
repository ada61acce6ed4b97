// Says at once that a chosen file is too big, before it is sent for nothing.
for (const input of document.querySelectorAll("input[type=file][data-most-bytes]")) {
  const form = input.form;
  const tooBig = () => [...input.files].some((file) => file.size > Number(input.dataset.mostBytes));
  const note = document.createElement("ul");
  note.className = "errorlist";
  note.setAttribute("role", "alert");
  input.after(note);
  input.addEventListener("change", () => {
    const item = document.createElement("li");
    item.textContent = input.dataset.tooBig;
    note.replaceChildren(...(tooBig() ? [item] : []));
  });
  form.addEventListener("submit", (event) => {
    if (!tooBig()) return;
    event.preventDefault();
    input.focus();
  });
}
