import type { ConversationId, TaskId } from "../api/types.ts";

/** Ids of the elements that focus is moved to. */
export const ids = {
  userId: "user-id",
  signIn: "sign-in",
  message: "message",
  newTask: "new-task",
  trash: "trash-toggle",
  conversationsToggle: "conversations-toggle",
  conversationsHeading: "conversations-heading",
  conversationSearch: "conversation-search",
  conversationRename: (id: ConversationId) => `conversation-${id}-rename`,
  conversationDelete: (id: ConversationId) => `conversation-${id}-delete`,
  conversationTitle: (id: ConversationId) => `conversation-${id}-title`,
  conversationKeep: (id: ConversationId) => `conversation-${id}-keep`,
  taskToggle: (id: TaskId) => `task-${id}-completed`,
  taskEdit: (id: TaskId) => `task-${id}-edit`,
  taskDelete: (id: TaskId) => `task-${id}-delete`,
  taskTitle: (id: TaskId) => `task-${id}-title`,
  taskKeep: (id: TaskId) => `task-${id}-keep`,
};
