package admin

import (
	"net/http"
)

func (h *handler) ping(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	w.WriteHeader(http.StatusOK)
}

func (h *handler) status(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	if h.opts.Status == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s := h.opts.Status()
	if s.ContentEditing == "" {
		s.ContentEditing = "NotAllowed"
	}
	h.answer(w, http.StatusOK, s)
}

func (h *handler) processes(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	if h.opts.Processes == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	list := h.opts.Processes()
	if list == nil {
		list = []Process{}
	}
	h.answer(w, http.StatusOK, map[string]any{"processes": list})
}

func (h *handler) config(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	if h.opts.Config == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.answer(w, http.StatusOK, h.opts.Config())
}

// restart answers with the paths of the host, as the original does.
func (h *handler) restart(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	if h.opts.Restart == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.opts.Restart()
	paths := struct {
		ScriptPath  string `json:"scriptPath"`
		SecretsPath string `json:"secretsPath,omitempty"`
		IsSelfHost  bool   `json:"isSelfHost"`
	}{ScriptPath: h.opts.ScriptPath, IsSelfHost: true}
	if h.opts.Keys != nil {
		paths.SecretsPath = h.opts.Keys.Path()
	}
	h.answer(w, http.StatusOK, paths)
}

// syncTriggers has nothing to do: the host itself listens to the triggers, and follows changes of the app by itself.
func (h *handler) syncTriggers(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	h.answer(w, http.StatusOK, map[string]string{"status": "success"})
}
