// Says at once that a chosen file is too big, before it is sent for nothing.
for (const input of document.querySelectorAll("input[type=file][data-most-bytes]")) {
  const form = input.form;
  const tooBig = () => [...input.files].some((file) => file.size > Number(input.dataset.mostBytes));
  const note = document.createElement("ul");
  note.className = "errorlist";
  note.setAttribute("role", "alert");
  const item = document.createElement("li");
  item.textContent = input.dataset.tooBig;
  note.append(item);
  input.addEventListener("change", () => {
    for (const said of input.parentElement.querySelectorAll(".errorlist")) said.remove();
    if (tooBig()) input.after(note);
  });
  form.addEventListener("submit", (event) => {
    if (!tooBig()) return;
    event.preventDefault();
    input.focus();
  });
}
