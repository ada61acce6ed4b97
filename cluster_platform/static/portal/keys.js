// Says in words that a passkey or security key failed, and lets Enter do what the button of such a form does.
document.addEventListener("allauth.error", (event) => {
  const place = document.querySelector("[data-key-error]");
  if (!place) return;
  event.preventDefault();
  place.hidden = false;
});
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("#mfa_webauthn_add");
  if (!button) return;
  event.preventDefault();
  button.click();
});
