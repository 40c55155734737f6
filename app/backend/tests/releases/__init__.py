"""Earlier releases on later schemas."""
