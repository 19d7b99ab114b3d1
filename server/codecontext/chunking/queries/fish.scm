(function_definition name: (_) @name ["\n" ";"] @body) @definition.function

(comment) @comment
