;;; eglot.el --- Emacs with eglot and the configuration of docs/editors.md  -*- lexical-binding: t -*-
;;; Code:
(load (expand-file-name "emacs-story.el" (file-name-directory load-file-name)) nil t)
(load (getenv "SNIPPET") nil t t)

(setq eglot-sync-connect 60 eglot-connect-timeout 60)
(setq story-request
      (lambda (method parameters)
        (eglot--signal-textDocument/didChange) ; which waits for a pause in typing, and nobody types here
        (jsonrpc-request (eglot-current-server) (intern (concat ":" method)) parameters)))

(defun story-project (folder)
  "The project of the story, where FOLDER is in it."
  (when (file-in-directory-p folder (story-get story :folder))
    (cons 'transient (file-name-as-directory (story-get story :folder)))))
(add-hook 'project-find-functions #'story-project)

(story-run (lambda ()
             ;; what `M-x eglot' does, without its questions
             (apply #'eglot--connect (eglot--guess-contact)))
           (lambda () (eglot-shutdown (eglot-current-server) nil 20)))
;;; eglot.el ends here
